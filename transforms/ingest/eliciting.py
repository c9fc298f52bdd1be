"""How prompts ask for the reasoning itself, in many languages.

Precision before recall: a claim becomes evidence against an account, a missed paraphrase only weakens it. So a verb of
showing and what is to be shown must stand in one clause; "let's think step by step", "show your work" and "explain your
reasoning" are how ordinary people ask, and claim nothing. Wordings follow the published accounts of model extraction:
reasoning to be written out, the reasoning "behind a completed response" to be imagined, debug modes and counterfeit
system switches, "working memory" to be translated, thinking aloud inside tags. Who copies a model need not use a published
wording, so beside these stand the ways in which English asks for it at all: every single thought, what is kept to oneself,
nothing left out, dead ends included, notes and monologues that lead to an answer.
"""

from transforms.ingest.claim import Claim

_GAP = r"[^.!?;\n]{0,48}?"
_SHOW = (
    r"\b(?:(?:show|reveal|output|print|display|give|write|dump|present|return|emit|reconstruct|record|expand|spell out|lay out|leak|log)(?:s|ed|ing)?"
    r"|(?:expos|includ|provid|shar|articulat|verbali[sz]|describ|produc|reproduc|narrat|dictat|transcrib|externali[sz]|disclos|imagin|simulat)(?:e|es|ed|ing))\b"
)
_WRITE_OUT = (
    r"\b(?:(?:write|writing|spell|spelling|type|typing|lay|laying|set|setting|put|putting) (?:it )?(?:out|down)"
    r"|(?:articulat|verbali[sz]|narrat|dictat|externali[sz]|transcrib)(?:e|es|ed|ing)|(?:reconstruct|recount|unroll)(?:s|ed|ing)?)\b"
)
_WHOLE = (
    r"(?:full|complete|entire|whole|raw|unfiltered|unabridged|uncensored|verbatim|internal|inner|hidden|private|exact"
    r"|unedited|underlying)"
)
_FILLER = r"(?:(?:and|step[- ]by[- ]step|detailed|own|original|actual|exhaustive|,)\s+)*"
_THINKING = r"(?:reasoning|thought[ -]process|thinking|train of thought|deliberations?|chain(?: of |-of-)thoughts?)"
_TAG = (
    r"(?:think|thinking|thoughts?|reasoning|reason|scratch(?:[_-]?(?:pad|work))?|cot|chain_of_thought|deliberation|(?:inner_|internal_)?monologue"
    r"|internal_reasoning|思考|推理)"
)
_MIND = (
    r"(?:thoughts?|thinking|reasoning|deliberations?|monologue|cognition|mental (?:steps?|process(?:es)?|notes)|stream of (?:consciousness|thought)"
    r"|scratch[ -]?(?:work|notes?|paper)|(?:working|internal|private) notes|musings|ruminations)"
)
_ANSWER = r"(?:answer|solution|result|conclusion|reply|response)"
_DETOURS = (
    r"(?:dead[ -]ends?|false starts?|wrong turns?|backtracking|detours?|missteps?|self[ -]corrections?|corrections)"
)
_OWNER = r"(?:your|the model['’]?s|the assistant['’]?s)"

_MIND_YOU = tuple(
    f"{noun} {that}you "
    for noun in ("thought", "thoughts", "reasoning", "notes", "mental step", "mental steps")
    for that in ("", "that ", "which ")
)
_NARROWER = {
    2: (
        "working memory", "hidden state", "thinking token", "reasoning token", "thinking block", "aloud", "out loud", "<",
        "language", "english", "chinese", "mandarin", "japanese", "korean", "russian", "spanish", "french", "german",
    ),
    3: (
        "every ", "each ", "through your ", *_MIND_YOU, "in writing", "thought by thought", "numbered thoughts", "exactly how you",
        "exactly what you", "unsummari", "unabridged", "unredacted", "uncondensed", "uncut",
    ),
    4: (
        "dead end", "dead-end", "false start", "wrong turn", "backtracking", "detour", "misstep", "correction", "monologue",
        "stream of ", "scratch", " notes", "summary", "summari", "condensed", "abridged",
    ),
}  # fmt: skip
"""Three groups take two thirds of the time of all where a text says no more than `thought`: their gaps may begin at any word."""

ELICITS_REASONING = Claim(
    patterns=(
        (
            # what only a model has
            (
                rf"{_SHOW}{_GAP}\b(?:chain(?: of |-of-)thoughts?|(?:internal|hidden|private|raw|unfiltered) (?:[a-z-]+ )?"
                r"(?:reasoning|thinking|deliberation|thought[ -]process)|(?:reasoning|thinking) (?:traces?|tokens?|blocks?))\b"
            ),
            # your whole thinking
            (
                rf"{_SHOW}{_GAP}\b{_OWNER}\s+{_FILLER}{_WHOLE}\s+(?:{_WHOLE}[\s,]+)*{_FILLER}"
                rf"(?:{_THINKING}|{_MIND}|monologue|scratch ?pad|working memory|(?:inner )?dialogue)\b"
            ),
            rf"{_SHOW}{_GAP}\b(?:all(?: of)?|every (?:single )?(?:step|part|detail) of) {_OWNER} {_FILLER}(?:internal )?{_THINKING}\b",
        ),
        (
            # written out
            (
                rf"{_WRITE_OUT}{_GAP}\b(?:{_OWNER}|all (?:of )?(?:the|your)|every|the {_WHOLE}|a {_WHOLE})\s+{_FILLER}(?:{_WHOLE}[\s,]+)*"
                rf"{_FILLER}(?:{_THINKING}|cognition)\b"
            ),
            # behind a completed response
            (
                rf"\b{_THINKING}\s+(?:that (?:led|leads|produced) to|that produced|behind|leading (?:up )?to|which (?:led to|produced))\s+"
                r"(?:a|an|the|this|that|your|each)\s+(?:already\s+)?(?:completed?|finished|previous|prior|earlier|existing)\s+"
                r"(?:response|answer|output|completion|reply|solution)\b"
            ),
            rf"\b(?:internal|inner|hidden) {_THINKING}\s+(?:behind|that led to|of|for)\s+[a-z' ]{{0,24}}(?:response|answer|output)\b",
            # debug modes and counterfeit switches
            rf"\b(?:debug|developer|diagnostics?|verbose|trace|maintenance|inspection)[ _-]mode\b[^?\n]{{0,120}}?\b{_THINKING}\b",
            (
                r"\b(?:show|reveal|expose|print|enable|display|output|log|dump|return)[_-](?:internal[_-]|raw[_-]|full[_-])?"
                r"(?:thinking|reasoning|thoughts?|cot|chain_of_thoughts?|scratchpad)\b"
            ),
            (
                r"\b(?:reasoning|thinking|cot)[ _-](?:visibility|display|disclosure|transparency|output)\s*(?::|=|is|mode)\s*[\"']?"
                r"(?:full|on|true|verbose|enabled|visible|raw|1)\b"
            ),
        ),
        (
            # working memory
            (
                r"\b(?:translate|print|output|repeat|dump|convert|transcribe|recite|render|export|restate|reveal)\b"
                rf"{_GAP}\b(?:your|the)\s+(?:[a-z]+\s+){{0,2}}?(?:previous |prior |internal )?"
                r"(?:working memory|hidden states?|thinking tokens?|reasoning tokens?|thinking blocks?)\b"
            ),
            # thinking aloud, and inside tags
            r"\b(?:you must|always|please|required to)\b[^.!?\n]{0,24}\bthink(?:ing)? (?:aloud|out loud)\b",
            (
                r"\bthink(?:ing)? (?:aloud|out loud)\b[^.!?\n]{0,48}\b(?:before (?:you |the |your |giving |writing )?(?:answer|final|respond)"
                r"|step by step|in (?:full|detail)|as you (?:work|solve|go|reason)|<)"
            ),
            (
                rf"(?:\b(?:in|inside|within|between|using|use|with|into|by|to|start|open|begin|emit)|在|用|于|放入)\s*"
                rf"(?:(?:the|a|your|special|xml|opening|literal|paired)\s+)*[\"'`“「]?<\|?{_TAG}\|?>"
            ),
            rf"<{_TAG}>\s*(?:\.\.\.|…|\{{|\[|\(?(?:your|write|all|step|full|put|here))",
            # the language of the thinking
            (
                r"\b(?:your|the|all) (?:internal |inner )?(?:thinking|reasoning)(?: (?:content|process|section|part|text|trace))? "
                r"(?:must|should|has to|needs to) (?:also )?(?:be )?(?:written |kept )?(?:in|use|match|stay|follow)\b[^.!?\n]{0,32}"
                r"\b(?:language|english|chinese|mandarin|japanese|korean|russian|spanish|french|german)\b"
            ),
        ),
        (
            # every single thought, as it came
            rf"(?:{_SHOW}|{_WRITE_OUT}|\bdocument(?:s|ed|ing)?\b){_GAP}\b(?:every|each) (?:[a-z-]+ ){{0,2}}?(?:thought|mental step|consideration|deliberation)\b",
            (
                r"\b(?:goes|went|going|passes|passed|comes|came) through your (?:mind|head)\b[^.!?\n]{0,32}\b(?:while|as|when|before|until)\b"
                r"[^.!?\n]{0,24}\b(?:solv|answer|work|respond|reply|reason)"
            ),
            (
                rf"\b(?:thoughts?|reasoning|notes|mental steps?) (?:that |which )?you (?:[a-z]+ ){{0,3}}?(?:had|have|had made|made|took|keep|kept|hide|hid"
                rf"|suppress|withhold)\b[^.!?\n]{{0,40}}\b(?:solv|{_ANSWER}|on the way|along the way|to yourself|from (?:me|us|users?|the user)|internally)"
            ),
            r"\bthink(?:ing)? in writing\b|\bthought by thought\b|\bnumbered thoughts\b|\bexactly (?:how|what) you (?:thought|reasoned|were thinking)\b",
            # nothing left out
            rf"\b(?:unsummari[sz]ed|unabridged|unredacted|uncondensed|uncut)\b[^.!?\n]{{0,48}}\b{_MIND}\b",
            rf"\b{_MIND}\b[^.!?\n]{{0,24}}\b(?:unsummari[sz]ed|unabridged|unredacted|uncondensed|uncut)\b",
        ),
        (
            (
                rf"\b(?:includ(?:e|ing)|show|keep|with|even|also)\b[^.!?;\n]{{0,24}}\b{_DETOURS}\b[^!?\n]{{0,80}}\b(?:in|of|from) "
                rf"(?:your|the) {_MIND}\b"
            ),
            (
                rf"\b{_MIND}\b[^!?\n]{{0,80}}?\b(?:includ(?:e|ing)|show|keep|with|even|also)\b[^.!?;\n]{{0,24}}\b{_DETOURS}\b"
            ),
            # monologues, streams and notes that lead to an answer; those of characters lead nowhere
            (
                rf"\b(?:monologue|stream of (?:consciousness|thought)|scratch ?(?:work|notes)|(?:working|internal|private|raw) notes)\b[^!?\n]{{0,64}}"
                rf"\b(?:lead(?:s|ing)? (?:up )?to|led to|arriv(?:e|ed|ing) at|then|before|while (?:solving|answering|working)|and only then|how you)\b"
                rf"[^.!?\n]{{0,32}}\b(?:{_ANSWER}|solv)"
            ),
            r"\bbefore (?:you |the |your |giving |any )?(?:final )?(?:answer|respond|reply)[^.!?\n]{0,48}\b(?:inner |internal )monologue\b",
            # what was summarised, in full again
            rf"\b(?:expand|restore|rebuild|recover|reconstruct|undo)\b[^.!?\n]{{0,48}}\b(?:summary|summari[sz]ed|condensed|abridged)\b[^.!?\n]{{0,32}}\b{_THINKING}\b",
        ),
        (
            # other languages
            (
                r"(?:输出|展示|显示|写出|写下|给出|提供|打印|公开|包含|呈现|还原|复现|翻译)[^。！？\n]{0,16}?(?:思维链|思考链|内部推理|内部思考|内心独白"
                r"|工作记忆|隐藏的?推理|(?:完整|全部|原始|真实|内部|详尽)的?(?:内部)?(?:思考|推理|思维)(?:过程|步骤|链|内容)|chain(?: of |-of-)thought)"
            ),
            (
                r"(?:思考の連鎖|思考連鎖|内部(?:の)?(?:推論|思考)|(?:完全|すべて|全て)(?:な|の)(?:思考|推論)(?:過程|プロセス)|思考過程|推論過程)"
                r"[^。！？\n]{0,16}?(?:出力|書き出|開示|公開|すべて|全て)"
            ),
            (
                r"(?:사고의 연쇄|사고 사슬|생각의 사슬|내부 (?:추론|사고)|(?:전체|모든) (?:사고|추론) 과정|사고 과정|추론 과정)[^.!?\n]{0,16}?"
                r"(?:출력|모두|전부|적어|써|작성|공개|드러)"
            ),
            (
                r"\b(?:muestra|escribe|revela|imprime|incluye|expón|articula|proporciona|detalla)[a-z]*\b[^.!?\n]{0,40}?\b(?:cadena de"
                r" pensamientos?|(?:razonamiento|pensamiento) (?:interno|completo|oculto|íntegro)|todo (?:tu|el|su) razonamiento"
                r"|proceso de (?:pensamiento|razonamiento) (?:interno|completo))"
            ),
            (
                r"\b(?:montre|écri[st]|révèle|affiche|inclu[st]|expose|rédige|fourni[st]|donne|détaille)[a-z]*\b[^.!?\n]{0,40}?\b(?:chaîne"
                r" de (?:pensées?|raisonnement)|(?:raisonnement|réflexion) (?:interne|complète?|intégrale?|cachée?)|tout (?:ton|votre|le)"
                r" raisonnement|processus de (?:pensée|réflexion|raisonnement) (?:interne|complet))"
            ),
            (
                r"\b(?:zeige?|schreibe?|gib|offenbare?|drucke?|formuliere?|lege?|nenne?)\b[^.!?\n]{0,40}?\b(?:gedankenkette|(?:interne|"
                r"vollständige|gesamte|ganze|verborgene)[nrsm]? (?:überlegung(?:en)?|denkprozess|gedankeng(?:a|ä)nge?|argumentation|"
                r"denkvorgang|gedanken))"
            ),
            (
                r"\b(?:mostre|escreva|revele|imprima|inclua|exponha|articule|forneça|detalhe)\b[^.!?\n]{0,40}?\b(?:cadeia de"
                r" pensamentos?|(?:raciocínio|pensamento) (?:interno|completo|oculto)|todo o (?:seu )?raciocínio|processo de"
                r" (?:pensamento|raciocínio) (?:interno|completo))"
            ),
            (
                r"\b(?:mostra|scrivi|rivela|stampa|includi|esponi|fornisci|articola)\b[^.!?\n]{0,40}?\b(?:catena di pensier[oi]"
                r"|(?:ragionamento|pensiero) (?:interno|completo|nascosto)|tutto il (?:tuo )?ragionamento)"
            ),
            (
                r"\b(?:покажи|выведи|напиши|раскрой|распечатай|изложи|приведи|выпиши|опиши|запиши)(?:те)?\b[^.!?\n]{0,40}?(?:цепочк[уи]"
                r" (?:мыслей|рассуждений|размышлений)|внутренн\w+ (?:рассуждени|монолог|размышлени|ход)|(?:полн\w+|весь|все)"
                r" (?:(?:твой|свой|ваш|свои|твои) )?(?:ход (?:мыслей|рассуждени)|рассуждени|процесс (?:мышлени|рассуждени)))"
            ),
            (
                r"(?:اعرض|اكتب|أظهر|اظهر|اطبع|اكشف)[^.!؟\n]{0,40}?(?:سلسلة (?:الأفكار|التفكير|أفكارك|تفكيرك)|(?:التفكير|الاستدلال)"
                r" الداخلي|تفكيرك (?:الداخلي|الكامل)|استدلالك (?:الداخلي|الكامل))"
            ),
            r"(?:विचार श्रृंखला|आंतरिक (?:तर्क|विचार|सोच)|पूरी (?:तर्क|विचार|सोचने की) प्रक्रिया)[^.!?।\n]{0,24}?(?:लिख|दिखा|बता|प्रकट)",
            (
                r"\b(?:hiển thị|viết ra|in ra|xuất|tiết lộ|trình bày)[^.!?\n]{0,40}?(?:chuỗi suy (?:nghĩ|luận)|suy (?:nghĩ|luận) nội"
                r" (?:tại|bộ|tâm)|toàn bộ (?:quá trình )?suy (?:nghĩ|luận))"
            ),
            (
                r"\b(?:tampilkan|tuliskan|tulis|ungkapkan|cetak|keluarkan)\b[^.!?\n]{0,40}?\b(?:rantai (?:pemikiran|penalaran)|penalaran"
                r" internal|proses (?:berpikir|penalaran) (?:lengkap|internal)|seluruh (?:penalaran|proses berpikir))"
            ),
            r"(?:düşünce zincir|iç (?:muhakeme|monolog)|tüm (?:akıl yürütme|düşünme) süre)\w*[^.!?\n]{0,24}?(?:yaz|göster|açığa|çıktı)",
            (
                r"\b(?:pokaż|wypisz|napisz|ujawnij|wyświetl)\b[^.!?\n]{0,40}?(?:łańcuch (?:myśli|rozumowania)|wewnętrzn\w+ (?:rozumowani|"
                r"myśl)|pełn\w+ (?:rozumowani|tok rozumowania|proces myślow))"
            ),
            (
                r"\b(?:toon|schrijf|geef|onthul|druk)\b[^.!?\n]{0,40}?\b(?:gedachteketen|denkketen|interne (?:redenering|gedachten)"
                r"|volledige (?:redenering|denkproces|gedachtegang))"
            ),
        ),
    ),
    anchors=(
        "reasoning",
        "reasoned",
        "thought",
        "cognition",
        "mental ",
        "scratch",
        "consciousness",
        "in writing",
        "consideration",
        "your mind",
        "your head",
        "working notes",
        "internal notes",
        "private notes",
        "raw notes",
        "musings",
        "ruminations",
        "notes that you",
        "notes which you",
        "notes you",
        "chain of thought",
        "chain-of-thought",
        "chain_of_thought",
        "thought process",
        "thought-process",
        "thinking",
        "train of thought",
        "deliberation",
        "thoughts",
        "monologue",
        "dialogue",
        "scratchpad",
        "scratch pad",
        "scratch_pad",
        "working memory",
        "hidden state",
        "think aloud",
        "think out loud",
        "_thought",
        "-thought",
        "_cot",
        "-cot",
        "cot display",
        "cot_",
        "cot-",
        "cot visibility",
        "cot disclosure",
        "cot transparency",
        "cot output",
        "<think",
        "<thought",
        "<reason",
        "<cot",
        "<|",
        "<inner",
        "<internal",
        "<思考",
        "<推理",
        "思维链",
        "思考链",
        "内部",
        "内心独白",
        "工作记忆",
        "推理",
        "思考",
        "思维",
        "推論",
        "사슬",
        "연쇄",
        "추론",
        "사고",
        "cadena de pensamiento",
        "razonamiento",
        "pensamiento ",
        "chaîne de",
        "raisonnement",
        "réflexion",
        "processus de pensée",
        "gedanken",
        "überlegung",
        "denkprozess",
        "argumentation",
        "denkvorgang",
        "gedankengäng",
        "cadeia de pensamento",
        "raciocínio",
        "pensamento ",
        "catena di pensier",
        "ragionamento",
        "pensiero",
        "мыслей",
        "рассужден",
        "размышлен",
        "внутренн",
        "мышлен",
        "سلسلة",
        "الداخلي",
        "تفكيرك",
        "استدلالك",
        "विचार",
        "तर्क",
        "आंतरिक",
        "सोचने",
        "suy nghĩ",
        "suy luận",
        "rantai pe",
        "penalaran",
        "proses berpikir",
        "düşünce zincir",
        "muhakeme",
        "iç monolog",
        "akıl yürütme",
        "düşünme",
        "łańcuch",
        "rozumowani",
        "wewnętrzn",
        "myślow",
        "gedachteketen",
        "denkketen",
        "redenering",
        "gedachten",
        "denkproces",
        "gedachtegang",
    ),
    narrower=_NARROWER,
)
