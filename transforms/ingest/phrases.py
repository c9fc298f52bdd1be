"""The phrases that make a claim about a text, in many languages: each a set of regular expressions over lower-case text.

Precision before recall: a claim becomes evidence against an account, a missed paraphrase only weakens it. So a verb of
showing and what is to be shown must stand in one clause; "let's think step by step", "show your work" and "explain your
reasoning" are how ordinary people ask, and claim nothing. Wordings follow the published accounts of model extraction:
reasoning to be written out, the reasoning "behind a completed response" to be imagined, debug modes and counterfeit
system switches, "working memory" to be translated, thinking aloud inside tags.
"""

NEGATED = (
    r"(?:\b(?:do|does|did|should|must|can|could|would|will|may|need|shall)(?: not|n['’]t)\b|\bcannot\b|\bnever\b|\bwithout\b"
    r"|\bavoid\b|\brefrain from\b|\bno need to\b|\bnot (?:to|required|necessary)\b|\brather than\b|\binstead of\b"
    r"|不要|请勿|切勿|不必|无需|\bno (?:muestres|escribas|reveles)\b|\bne pas\b|\bnicht\b|\bnão\b|\bне\b)"
    r"[^.!?;,:\n。！？，]{0,28}"
)
"""A negation and the words it turns: cut out before a claim is looked for, so that a ban is not taken for a request."""

_GAP = r"[^.!?;\n]{0,48}?"
_SHOW = (
    r"\b(?:show|reveal|output|print|display|expose|include|provide|give|share|write|articulate|verbali[sz]e|describe|dump"
    r"|present|produce|return|emit|reproduce|reconstruct|narrate|transcribe|record|expand|externali[sz]e|spell out|lay out"
    r"|disclose|imagine|simulate|leak|log)(?:s|d|ing)?\b"
)
_WRITE_OUT = (
    r"\b(?:write (?:out|down)|spell out|type out|lay out|articulate|verbali[sz]e|narrate|externali[sz]e|transcribe"
    r"|reconstruct)\b"
)
_WHOLE = (
    r"(?:full|complete|entire|whole|raw|unfiltered|unabridged|uncensored|verbatim|internal|inner|hidden|private|exact"
    r"|unedited|underlying)"
)
_FILLER = r"(?:(?:and|step[- ]by[- ]step|detailed|own|original|actual|exhaustive|,)\s+)*"
_THINKING = r"(?:reasoning|thought[ -]process|thinking|train of thought|deliberations?|chain[ -]of[ -]thoughts?)"
_TAG = (
    r"(?:think|thinking|thoughts?|reasoning|reason|scratch_?pad|cot|chain_of_thought|inner_monologue|internal_monologue"
    r"|internal_reasoning|思考|推理)"
)
_OWNER = r"(?:your|the model['’]?s|the assistant['’]?s)"

ELICITS_REASONING = (
    # what only a model has
    rf"{_SHOW}{_GAP}\b(?:chain[ -]of[ -]thoughts?|(?:internal|hidden|private|raw|unfiltered) (?:[a-z-]+ )?"
    r"(?:reasoning|thinking|deliberation|thought[ -]process)|(?:reasoning|thinking) (?:traces?|tokens?|blocks?))\b",
    # your whole thinking
    rf"{_SHOW}{_GAP}\b{_OWNER}\s+{_FILLER}{_WHOLE}\s+(?:{_WHOLE}[\s,]+)*{_FILLER}"
    rf"(?:{_THINKING}|thoughts|monologue|scratch ?pad|working memory|(?:inner )?dialogue)\b",
    rf"{_SHOW}{_GAP}\b(?:all(?: of)?|every (?:single )?(?:step|part|detail) of) {_OWNER} {_FILLER}(?:internal )?{_THINKING}\b",
    # written out
    rf"{_WRITE_OUT}{_GAP}\b(?:{_OWNER}|all (?:of )?(?:the|your)|every|the {_WHOLE}|a {_WHOLE})\s+{_FILLER}(?:{_WHOLE}[\s,]+)*"
    rf"{_FILLER}{_THINKING}\b",
    # behind a completed response
    rf"\b{_THINKING}\s+(?:that (?:led|leads|produced) to|that produced|behind|leading (?:up )?to|which (?:led to|produced))\s+"
    r"(?:a|an|the|this|that|your|each)\s+(?:already\s+)?(?:completed?|finished|previous|prior|earlier|existing)\s+"
    r"(?:response|answer|output|completion|reply|solution)\b",
    rf"\b(?:internal|inner|hidden) {_THINKING}\s+(?:behind|that led to|of|for)\s+[a-z' ]{{0,24}}(?:response|answer|output)\b",
    # debug modes and counterfeit switches
    rf"\b(?:debug|developer|diagnostics?|verbose|trace|maintenance|inspection)[ _-]mode\b[^?\n]{{0,120}}?\b{_THINKING}\b",
    r"\b(?:show|reveal|expose|print|enable|display|output|log|dump|return)[_-](?:internal[_-]|raw[_-]|full[_-])?"
    r"(?:thinking|reasoning|thoughts?|cot|chain[_-]of[_-]thoughts?|scratchpad)\b",
    r"\b(?:reasoning|thinking|cot)[ _-](?:visibility|display|disclosure|transparency|output)\s*(?::|=|is|mode)\s*[\"']?"
    r"(?:full|on|true|verbose|enabled|visible|raw|1)\b",
    # working memory
    r"\b(?:translate|print|output|repeat|dump|convert|transcribe|recite|render|export|restate|reveal)\b"
    rf"{_GAP}\b(?:your|the)\s+(?:[a-z]+\s+){{0,2}}?(?:previous |prior |internal )?"
    r"(?:working memory|hidden states?|thinking tokens?|reasoning tokens?|thinking blocks?)\b",
    # thinking aloud, and inside tags
    r"\b(?:you must|always|please|required to)\b[^.!?\n]{0,24}\bthink(?:ing)? (?:aloud|out loud)\b",
    r"\bthink(?:ing)? (?:aloud|out loud)\b[^.!?\n]{0,48}\b(?:before (?:you |the |your |giving |writing )?(?:answer|final|respond)"
    r"|step by step|in (?:full|detail)|as you (?:work|solve|go|reason)|<)",
    rf"(?:\b(?:in|inside|within|between|using|use|with|into|by|to|start|open|begin|emit)|在|用|于|放入)\s*"
    rf"(?:(?:the|a|your|special|xml|opening|literal|paired)\s+)*[\"'`“「]?<\|?{_TAG}\|?>",
    rf"<{_TAG}>\s*(?:\.\.\.|…|\{{|\[|\(?(?:your|write|all|step|full|put|here))",
    # the language of the thinking
    r"\b(?:your|the|all) (?:internal |inner )?(?:thinking|reasoning)(?: (?:content|process|section|part|text|trace))? "
    r"(?:must|should|has to|needs to) (?:also )?(?:be )?(?:written |kept )?(?:in|use|match|stay|follow)\b[^.!?\n]{0,32}"
    r"\b(?:language|english|chinese|mandarin|japanese|korean|russian|spanish|french|german)\b",
    # other languages
    r"(?:输出|展示|显示|写出|写下|给出|提供|打印|公开|包含|呈现|还原|复现|翻译)[^。！？\n]{0,16}?(?:思维链|思考链|内部推理|内部思考|内心独白"
    r"|工作记忆|隐藏的?推理|(?:完整|全部|原始|真实|内部|详尽)的?(?:内部)?(?:思考|推理|思维)(?:过程|步骤|链|内容)|chain[ -]of[ -]thought)",
    r"(?:思考の連鎖|思考連鎖|内部(?:の)?(?:推論|思考)|(?:完全|すべて|全て)(?:な|の)(?:思考|推論)(?:過程|プロセス)|思考過程|推論過程)"
    r"[^。！？\n]{0,16}?(?:出力|書き出|開示|公開|すべて|全て)",
    r"(?:사고의 연쇄|사고 사슬|생각의 사슬|내부 (?:추론|사고)|(?:전체|모든) (?:사고|추론) 과정|사고 과정|추론 과정)[^.!?\n]{0,16}?"
    r"(?:출력|모두|전부|적어|써|작성|공개|드러)",
    r"\b(?:muestra|escribe|revela|imprime|incluye|expón|articula|proporciona|detalla)[a-z]*\b[^.!?\n]{0,40}?\b(?:cadena de"
    r" pensamientos?|(?:razonamiento|pensamiento) (?:interno|completo|oculto|íntegro)|todo (?:tu|el|su) razonamiento"
    r"|proceso de (?:pensamiento|razonamiento) (?:interno|completo))",
    r"\b(?:montre|écri[st]|révèle|affiche|inclu[st]|expose|rédige|fourni[st]|donne|détaille)[a-z]*\b[^.!?\n]{0,40}?\b(?:chaîne"
    r" de (?:pensées?|raisonnement)|(?:raisonnement|réflexion) (?:interne|complète?|intégrale?|cachée?)|tout (?:ton|votre|le)"
    r" raisonnement|processus de (?:pensée|réflexion|raisonnement) (?:interne|complet))",
    r"\b(?:zeige?|schreibe?|gib|offenbare?|drucke?|formuliere?|lege?|nenne?)\b[^.!?\n]{0,40}?\b(?:gedankenkette|(?:interne|"
    r"vollständige|gesamte|ganze|verborgene)[nrsm]? (?:überlegung(?:en)?|denkprozess|gedankeng(?:a|ä)nge?|argumentation|"
    r"denkvorgang|gedanken))",
    r"\b(?:mostre|escreva|revele|imprima|inclua|exponha|articule|forneça|detalhe)\b[^.!?\n]{0,40}?\b(?:cadeia de"
    r" pensamentos?|(?:raciocínio|pensamento) (?:interno|completo|oculto)|todo o (?:seu )?raciocínio|processo de"
    r" (?:pensamento|raciocínio) (?:interno|completo))",
    r"\b(?:mostra|scrivi|rivela|stampa|includi|esponi|fornisci|articola)\b[^.!?\n]{0,40}?\b(?:catena di pensier[oi]"
    r"|(?:ragionamento|pensiero) (?:interno|completo|nascosto)|tutto il (?:tuo )?ragionamento)",
    r"\b(?:покажи|выведи|напиши|раскрой|распечатай|изложи|приведи|выпиши|опиши|запиши)(?:те)?\b[^.!?\n]{0,40}?(?:цепочк[уи]"
    r" (?:мыслей|рассуждений|размышлений)|внутренн\w+ (?:рассуждени|монолог|размышлени|ход)|(?:полн\w+|весь|все)"
    r" (?:(?:твой|свой|ваш|свои|твои) )?(?:ход (?:мыслей|рассуждени)|рассуждени|процесс (?:мышлени|рассуждени)))",
    r"(?:اعرض|اكتب|أظهر|اظهر|اطبع|اكشف)[^.!؟\n]{0,40}?(?:سلسلة (?:الأفكار|التفكير|أفكارك|تفكيرك)|(?:التفكير|الاستدلال)"
    r" الداخلي|تفكيرك (?:الداخلي|الكامل)|استدلالك (?:الداخلي|الكامل))",
    r"(?:विचार श्रृंखला|आंतरिक (?:तर्क|विचार|सोच)|पूरी (?:तर्क|विचार|सोचने की) प्रक्रिया)[^.!?।\n]{0,24}?(?:लिख|दिखा|बता|प्रकट)",
    r"\b(?:hiển thị|viết ra|in ra|xuất|tiết lộ|trình bày)[^.!?\n]{0,40}?(?:chuỗi suy (?:nghĩ|luận)|suy (?:nghĩ|luận) nội"
    r" (?:tại|bộ|tâm)|toàn bộ (?:quá trình )?suy (?:nghĩ|luận))",
    r"\b(?:tampilkan|tuliskan|tulis|ungkapkan|cetak|keluarkan)\b[^.!?\n]{0,40}?\b(?:rantai (?:pemikiran|penalaran)|penalaran"
    r" internal|proses (?:berpikir|penalaran) (?:lengkap|internal)|seluruh (?:penalaran|proses berpikir))",
    r"(?:düşünce zincir|iç (?:muhakeme|monolog)|tüm (?:akıl yürütme|düşünme) süre)\w*[^.!?\n]{0,24}?(?:yaz|göster|açığa|çıktı)",
    r"\b(?:pokaż|wypisz|napisz|ujawnij|wyświetl)\b[^.!?\n]{0,40}?(?:łańcuch (?:myśli|rozumowania)|wewnętrzn\w+ (?:rozumowani|"
    r"myśl)|pełn\w+ (?:rozumowani|tok rozumowania|proces myślow))",
    r"\b(?:toon|schrijf|geef|onthul|druk)\b[^.!?\n]{0,40}?\b(?:gedachteketen|denkketen|interne (?:redenering|gedachten)"
    r"|volledige (?:redenering|denkproces|gedachtegang))",
)

_JUDGED = r"(?:responses?|answers?|outputs?|completions?|candidates?|submissions?|assistants?|essays?|repl(?:y|ies))"
_RANGE = (
    r"(?:(?:on|using) a (?:scale|range) (?:of|from)|from|between|out of|scale of)\s+(?:(?:0|1|zero|one)\s*(?:to|and|-|–)\s*)?"
    r"(?:4|5|6|7|10|100|five|ten)\b"
)

HAS_RUBRIC = (
    r"\bimpartial (?:judge|evaluator|grader|assessor)\b",
    r"\bact(?:ing)? as (?:an? )?(?:[a-z]+ ){0,2}?(?:grader|evaluator|rater|essay scorer)\b",
    r"\[\[(?:rating|score|a|b|c)\]\]",
    r"\b(?:according to|using|based on|following|apply|against|by)\s+(?:the |this |these |an? )?(?:[a-z]+ ){0,3}?(?:rubric|(?:grading|"
    r"scoring|marking|evaluation|assessment) (?:criteria|scheme|guide(?:lines)?|scale))\b",
    r"\b(?:grading|scoring|evaluation|marking) (?:rubric|criteria|scheme)\s*:",
    rf"\b(?:score|rate|grade|rank|evaluate|assess|judge)\b[^?\n]{{0,80}}?\b{_JUDGED}\b[^?\n]{{0,120}}?\b{_RANGE}",
    rf"\b{_JUDGED}\b[^?\n]{{0,120}}?\b(?:score|rating|rate|grade|mark)s?\b[^?\n]{{0,24}}?\b{_RANGE}",
    rf"\b(?:which|what) (?:of the (?:two|three|following|above) )?{_JUDGED}(?: \w+)? (?:is|are|was) (?:better|more (?:helpful|correct"
    r"|accurate))\b",
    r"\b(?:choose|pick|select|decide|determine|output|evaluate)\b[^.?\n]{0,40}?\bbetter (?:response|output|completion|assistant)\b",
    rf"\bevaluate the (?:quality|correctness|helpfulness|accuracy) of (?:the |these |each |two |both )?(?:[a-z]+ ){{0,2}}?{_JUDGED}\b",
    r"\bcompar(?:e|ing) (?:the |these )?(?:two |both )?(?:[a-z]+ )?(?:responses|answers|outputs|completions) (?:with|to|against) the"
    r" reference\b",
    r"[\"'](?:score|rating|grade|verdict)[\"']\s*:\s*(?:<|\{|\[|[\"']?(?:int|number|float|integer|0|1)\b)",
    r"(?:请|对|为|给)[^。！？\n]{0,24}?(?:回答|回复|答案|输出|作文|译文)[^。！？\n]{0,24}?(?:评分|打分|评判|评级)|(?:根据|按照|依据)[^。\n]{0,12}?评分标准",
    r"(?:回答|応答|解答|出力)[^。！？\n]{0,24}?(?:採点|点数|段階で評価)|(?:採点|評価)基準に(?:従|基づ|沿)",
    r"(?:답변|응답|출력)[^.!?\n]{0,24}?(?:점수를|채점|평점)|(?:채점|평가) 기준에 따라",
    r"\b(?:califi[cq]|evalú|puntú|valor)\w*[^?\n]{0,60}?\brespuestas?\b[^?\n]{0,80}?(?:escala|rúbrica|puntuación|del? [01] al? \d)",
    r"\b(?:note[zr]?|évalue[zr]?|juge[zr]?)\b[^?\n]{0,60}?\bréponses?\b[^?\n]{0,80}?(?:échelle|barème|grille|note de|de [01] à \d)",
    r"\b(?:bewerte[nt]?|beurteile[nt]?|benote[nt]?)\b[^?\n]{0,60}?\bantwort(?:en)?\b[^?\n]{0,80}?(?:skala|punkte|rubrik|kriterien|von [01]"
    r" bis \d)",
    r"\b(?:avalie|pontue|classifique)\b[^?\n]{0,60}?\brespostas?\b[^?\n]{0,80}?(?:escala|rubrica|pontuação|de [01] a \d)",
    r"\b(?:оцени|оцените|поставь|поставьте)\b[^?\n]{0,60}?\bответ\w*[^?\n]{0,80}?(?:шкал|балл|рубрик|критери|от [01] до \d)",
)

_PROMPT_NOUN = (
    r"(?:system[ -]?prompts?|system (?:message|instructions?)|(?:initial|original|hidden|secret|developer|internal|custom|pre-?set|base)"
    r" (?:prompt|instructions?|directives?|guidelines|message|rules)|pre-?prompt|meta-?prompt)"
)
_ASK = (
    r"\b(?:reveal|show|print|repeat|output|display|tell|give|share|leak|dump|copy|recite|disclose|translate|expose|return"
    r"|reproduce|quote|encode|send|paste|what (?:is|are|was|were|does)|list|summari[sz]e)\b"
)

ASKS_SYSTEM_PROMPT = (
    rf"{_ASK}[^.!?;\n]{{0,32}}?\b(?:your|thy)\s+(?:[a-z]+[ ,]+){{0,3}}?{_PROMPT_NOUN}\b",
    r"\b(?:reveal|print|repeat|leak|dump|recite|disclose|expose|output|show(?: me)?)\b[^.!?;\n]{0,24}?\b(?:the|this)\s+(?:[a-z]+\s+){0,2}?"
    r"(?:system[ -]?prompt|system message|(?:hidden|secret|initial|developer|original) (?:prompt|instructions|system message))"
    r"(?:\s+(?:above|you|that was given|verbatim|word for word|given|exactly|in full)\b|\s*(?:$|[.!\"'`\n]))",
    r"\b(?:repeat|print|output|copy|recite|echo|reproduce)\b[^.!?;\n]{0,40}?\b(?:words|text|everything|instructions|content|prompt)"
    r"\s+(?:that (?:is|was|were|appears?) )?(?:above|before (?:this|my)|preceding)[^\n]{0,60}?(?:\byou are\b|verbatim|word for word"
    r"|code ?block|exactly)",
    r"\bstart(?:ing)? with [\"'“]?you are (?:chatgpt|claude|gemini|an? (?:ai|assistant|large language model))",
    r"\bwhat (?:were|are) (?:you|your) (?:told|instructed|initial instructions|hidden instructions)\b[^.?\n]{0,40}"
    r"(?:before|system|prompt|at the (?:start|beginning)|\?)",
    r"(?:输出|显示|告诉我|重复|打印|展示|泄露|翻译|复述)[^。！？\n]{0,12}?(?:系统提示词?|系统指令|初始指令|初始提示|隐藏(?:的)?指令)",
    r"你的(?:系统提示词?|系统指令|初始指令|隐藏(?:的)?指令)(?:是什么|有哪些|内容)",
    r"(?:システムプロンプト|システムメッセージ|初期(?:の)?(?:指示|プロンプト))[^。！？\n]{0,10}?(?:表示|教え|出力|見せ|開示|公開|何)",
    r"(?:시스템 프롬프트|시스템 메시지|초기 지침|초기 지시)[^.!?\n]{0,10}?(?:보여|출력|알려|공개|말해|뭐)",
    r"\b(?:muestra|muéstrame|revela|repite|imprime|dime|cuál es)\b[^.!?\n]{0,24}?\b(?:tu|tus|el) (?:prompt|mensaje|instrucciones)"
    r" (?:del? sistema|inicial(?:es)?|ocult[ao]s?)",
    r"\b(?:montre|révèle|répète|affiche|donne|quel est|quelles sont)[a-z-]*\b[^.!?\n]{0,24}?\b(?:ton|votre|tes|vos) (?:prompts?|messages?"
    r"|instructions) (?:(?:du )?système|initiale?s?|cachées?)",
    r"\b(?:zeige?|verrate?|wiederhole?|gib|nenne?|drucke?)\b[^.!?\n]{0,24}?\b(?:deine[nr]?|ihre[nr]?) (?:system-?prompts?"
    r"|system-?anweisung(?:en)?|ursprünglichen anweisungen)",
    r"\b(?:mostre|revele|repita|imprima|diga|qual é)\b[^.!?\n]{0,24}?\b(?:seu|suas|teu|tuas|o) (?:prompt|instruções) (?:d[eo] sistema"
    r"|inicia(?:l|is)|ocultas?)",
    r"\b(?:покажи|выведи|повтори|раскрой|назови|напечатай|какой|какие)(?:те)?\b[^.!?\n]{0,24}?\b(?:твой|свой|ваш|твои|свои|ваши) (?:системн\w+"
    r" (?:промпт|инструкци|сообщени)|(?:начальн|исходн|скрыт)\w+ инструкци)",
)

REASONING_TAG = (
    r"^\s*(?:```\w*\s*)?(?:[<\[【◁]\|?\s*(?:seed:)?(?:begin_of_)?(?:think|thinking|thoughts?|reasoning|reason|scratch_?pad|cot|chain_of_thought"
    r"|inner_monologue|internal_monologue|internal_reasoning|思考|思考过程|推理|推理过程|pensamiento|razonamiento|pensée|raisonnement"
    r"|denken|gedanken|мысли|рассуждение)\s*\|?[>\]】▷]|<\|channel\|>analysis)",
)

LOOKS_REFUSED = (
    r"^\W*(?:(?:i['’]?m|i am|we['’]re) (?:very |so |really |truly )?(?:sorry|afraid)|sorry|(?:my |i )?apolog(?:y|ies|i[sz]e)|unfortunately)"
    r"(?:[,.;: —-]|for|any|the|confusion|inconvenience|but|that|however|and|this|as|an? |ai|language|model|assistant){0,24}\s*"
    r"i (?:can['’]?t|cannot|can not|am unable to|['’]m unable to|am not able to|won['’]?t|will not|must decline|do not feel"
    r"|don['’]t feel)\b",
    r"^\W*(?:i['’]?m|i am) (?:sorry|afraid)\W+(?:but )?(?:i['’]m|i am) (?:not able|unable)\b",
    r"^\W*i (?:can['’]?t|cannot|can not|won['’]?t|will not|am unable to|am not able to|must decline to|have to decline to) (?:help|assist|comply"
    r"|provide|fulfil|fulfill|do that|share|engage|participate|support|discuss|create|generate|write|answer|continue|reveal)\b",
    r"^\W*(?:i['’]m|i am) (?:unable|not able) to (?:help|assist|comply|provide|fulfill?|share|discuss|create|generate|answer|reveal)\b",
    r"^\W*as an? (?:ai|artificial intelligence|language model|large language model|responsible)[^.\n]{0,60}?\bi (?:can['’]?t|cannot|am unable"
    r"|am not able|won['’]?t|must decline|['’]m unable|['’]m not able)\b",
    r"^\W*(?:i must|i have to|i need to|i['’]ll have to) (?:respectfully |politely )?(?:decline|refuse)\b",
    r"^\W*(?:很?抱歉|对不起|非常抱歉|不好意思)[，,。 ]*(?:但|不过)?(?:是)?我(?:不能|无法|没有办法|不便)",
    r"^\W*我(?:不能|无法)(?:提供|协助|帮助|满足|回答|完成|讨论|透露)",
    r"^\W*(?:大変)?(?:申し訳(?:ありません|ございません)|すみません)[^。\n]{0,60}(?:できません|できかねます|いたしかねます|お答えできない|お手伝いできない)",
    r"^\W*(?:죄송하지만|죄송합니다|미안하지만)[^\n]{0,60}(?:없습니다|어렵습니다|드릴 수 없|도와드릴 수 없)",
    r"^\W*(?:lo siento|lamento|disculpa)\w*\W[^.\n]{0,30}\bno (?:puedo|podré|me es posible)|^\W*no puedo (?:ayudar|proporcionar|cumplir|asistir)",
    r"^\W*(?:je (?:suis|m['’]excuse)|désolé)[^.\n]{0,40}\bje ne (?:peux|suis)|^\W*je ne (?:peux|suis) pas (?:vous|t['’]|en mesure|capable|fournir|aider)",
    r"^\W*(?:es )?tut mir leid\W[^.\n]{0,40}\b(?:kann|darf) (?:ich )?|^\W*(?:dabei|das|damit) kann ich (?:leider )?(?:nicht|dir nicht|ihnen nicht)",
    r"^\W*(?:desculpe|sinto muito|lamento)\w*\W[^.\n]{0,30}\bnão (?:posso|consigo)|^\W*não posso (?:ajudar|fornecer|atender)",
    r"^\W*(?:mi dispiace|spiacente)\W[^.\n]{0,30}\bnon posso|^\W*non posso (?:aiutar|fornire|assister)",
    r"^\W*(?:извини(?:те)?|прости(?:те)?|к сожалению|мне жаль)\W[^.\n]{0,30}\bя не (?:могу|смогу|вправе)|^\W*я не могу (?:помочь|предоставить|выполнить"
    r"|ответить)",
    r"^\W*(?:عذر[اًا]+|آسف|أعتذر|المعذرة)[^.\n]{0,30}(?:لا (?:أستطيع|يمكنني)|لن أتمكن)|^\W*لا (?:أستطيع|يمكنني) (?:مساعدتك|تقديم|المساعدة)",
    r"^\W*(?:मुझे खेद है|क्षमा करें|माफ़ करें)[^।\n]{0,60}(?:नहीं कर सकत|नहीं दे सकत|असमर्थ)",
    r"^\W*(?:xin lỗi|rất tiếc)\W[^.\n]{0,30}(?:không thể)|^\W*tôi không thể (?:giúp|cung cấp|hỗ trợ)",
    r"^\W*(?:maaf|mohon maaf)\W[^.\n]{0,30}(?:tidak (?:bisa|dapat))|^\W*saya tidak (?:bisa|dapat) (?:membantu|memberikan)",
    r"^\W*(?:üzgünüm|özür dilerim|maalesef)\W[^.\n]{0,60}(?:yapamam|edemem|veremem|olamam|olamıyorum|sağlayamam|edemiyorum|veremiyorum|yapamıyorum)",
    r"^\W*(?:przykro mi|przepraszam|niestety)\W[^.\n]{0,30}nie mogę|^\W*nie mogę (?:pomóc|udzielić)",
    r"^\W*(?:het spijt me|sorry|helaas)\W[^.\n]{0,30}(?:ik )?kan (?:ik )?[^.\n]{0,24}niet",
)
