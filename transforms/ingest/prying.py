"""How prompts ask for the hidden system prompt, in several languages."""

from transforms.ingest.claim import Claim

_PROMPT_NOUN = (
    r"(?:system[ -]?prompts?|system (?:message|instructions?)|(?:initial|original|hidden|secret|developer|internal|custom|pre-?set|base)"
    r" (?:prompt|instructions?|directives?|guidelines|message|rules)|pre-?prompt|meta-?prompt)"
)
_ASK = (
    r"\b(?:reveal|show|print|repeat|output|display|tell|give|share|leak|dump|copy|recite|disclose|translate|expose|return"
    r"|reproduce|quote|encode|send|paste|what (?:is|are|was|were|does)|list|summari[sz]e)\b"
)

ASKS_SYSTEM_PROMPT = Claim(
    patterns=(
        (
            rf"{_ASK}[^.!?;\n]{{0,32}}?\b(?:your|thy)\s+(?:[a-z]+[ ,]+){{0,3}}?{_PROMPT_NOUN}\b",
            (
                r"\b(?:reveal|print|repeat|leak|dump|recite|disclose|expose|output|show(?: me)?)\b[^.!?;\n]{0,24}?\b(?:the|this)\s+(?:[a-z]+\s+){0,2}?"
                r"(?:system[ -]?prompt|system message|(?:hidden|secret|initial|developer|original) (?:prompt|instructions|system message))"
                r"(?:\s+(?:above|you|that was given|verbatim|word for word|given|exactly|in full)\b|\s*(?:$|[.!\"'`\n]))"
            ),
            (
                r"\b(?:repeat|print|output|copy|recite|echo|reproduce)\b[^.!?;\n]{0,40}?\b(?:words|text|everything|instructions|content|prompt)"
                r"\s+(?:that (?:is|was|were|appears?) )?(?:above|before (?:this|my)|preceding)[^\n]{0,60}?(?:\byou are\b|verbatim|word for word"
                r"|code ?block|exactly)"
            ),
            r"\bstart(?:ing)? with [\"'“]?you are (?:chatgpt|claude|gemini|an? (?:ai|assistant|large language model))",
            (
                r"\bwhat (?:were|are) (?:you (?:told|instructed)|your (?:initial|hidden) instructions)\b[^.?\n]{0,40}"
                r"(?:before|system|prompt|at the (?:start|beginning)|\?)"
            ),
        ),
        (
            r"(?:输出|显示|告诉我|重复|打印|展示|泄露|翻译|复述)[^。！？\n]{0,12}?(?:系统提示词?|系统指令|初始指令|初始提示|隐藏(?:的)?指令)",
            r"你的(?:系统提示词?|系统指令|初始指令|隐藏(?:的)?指令)(?:是什么|有哪些|内容)",
            r"(?:システムプロンプト|システムメッセージ|初期(?:の)?(?:指示|プロンプト))[^。！？\n]{0,10}?(?:表示|教え|出力|見せ|開示|公開|何)",
            r"(?:시스템 프롬프트|시스템 메시지|초기 지침|초기 지시)[^.!?\n]{0,10}?(?:보여|출력|알려|공개|말해|뭐)",
            (
                r"\b(?:muestra|muéstrame|revela|repite|imprime|dime|cuál es)\b[^.!?\n]{0,24}?\b(?:tu|tus|el) (?:prompt|mensaje|instrucciones)"
                r" (?:del? sistema|inicial(?:es)?|ocult[ao]s?)"
            ),
            (
                r"\b(?:montre|révèle|répète|affiche|donne|quel est|quelles sont)[a-z-]*\b[^.!?\n]{0,24}?\b(?:ton|votre|tes|vos) (?:prompts?|messages?"
                r"|instructions) (?:(?:du )?système|initiale?s?|cachées?)"
            ),
            (
                r"\b(?:zeige?|verrate?|wiederhole?|gib|nenne?|drucke?)\b[^.!?\n]{0,24}?\b(?:deine[nr]?|ihre[nr]?) (?:system-?prompts?"
                r"|system-?anweisung(?:en)?|ursprünglichen anweisungen)"
            ),
            (
                r"\b(?:mostre|revele|repita|imprima|diga|qual é)\b[^.!?\n]{0,24}?\b(?:seu|suas|teu|tuas|o) (?:prompt|instruções) (?:d[eo] sistema"
                r"|inicia(?:l|is)|ocultas?)"
            ),
            (
                r"\b(?:покажи|выведи|повтори|раскрой|назови|напечатай|какой|какие)(?:те)?\b[^.!?\n]{0,24}?\b(?:твой|свой|ваш|твои|свои|ваши) (?:системн\w+"
                r" (?:промпт|инструкци|сообщени)|(?:начальн|исходн|скрыт)\w+ инструкци)"
            ),
        ),
    ),
    anchors=(
        "system prompt",
        "system-prompt",
        "systemprompt",
        "system message",
        "system instruction",
        "instructions",
        "initial ",
        "original ",
        "hidden ",
        "secret ",
        "developer ",
        "internal ",
        "custom ",
        "preset ",
        "pre-set ",
        "base ",
        "preprompt",
        "pre-prompt",
        "metaprompt",
        "meta-prompt",
        "above",
        "before this",
        "before my",
        "preceding",
        "you are",
        "you told",
        "you instructed",
        "系统提示",
        "系统指令",
        "初始指令",
        "初始提示",
        "隐藏",
        "システム",
        "初期",
        "시스템",
        "초기",
        "sistema",
        "inicia",
        "ocult",
        "système",
        "initial",
        "cachée",
        "anweisung",
        "系統",
        "системн",
        "начальн",
        "исходн",
        "скрыт",
    ),
)
