"""How prompts ask for a grade, a score or a comparison by a rubric, in several languages."""

from transforms.ingest.claim import Claim

_JUDGED = r"(?:responses?|answers?|outputs?|completions?|candidates?|submissions?|assistants?|essays?|repl(?:y|ies))"
_RANGE = r"(?:\b(?:0|1|zero|one)(?: to | and | ?[-–] ?)|\b(?:out|scale) of )(?:4|5|6|7|10|100|five|ten)\b"

HAS_RUBRIC = Claim(
    patterns=(
        (
            r"\bimpartial (?:judge|evaluator|grader|assessor)\b",
            r"\bact(?:ing)? as (?:an? )?(?:[a-z]+ ){0,2}?(?:grader|evaluator|rater|essay scorer)\b",
            r"\[\[(?:rating|score|a|b|c)\]\]",
            (
                r"\b(?:according to|using|based on|following|apply|against|by)\s+(?:the |this |these |an? )?(?:[a-z]+ ){0,3}?(?:rubric|(?:grading|"
                r"scoring|marking|evaluation|assessment) (?:criteria|scheme|guide(?:lines)?|scale))\b"
            ),
            r"\b(?:grading|scoring|evaluation|marking) (?:rubric|criteria|scheme)\s*:",
            (
                rf"\b(?:which|what) (?:of the (?:two|three|following|above) )?{_JUDGED}(?: \w+)? (?:is|are|was) (?:better|more (?:helpful|correct"
                r"|accurate))\b"
            ),
            rf"\b(?:which|what) (?:of the (?:two|three|following|above) )?{_JUDGED}\b[^.!?\n]{{0,48}}\b(?:prefer(?:s|red|able)?|superior)\b",
            rf"\b(?:prefer|preference|winner)\b[^.!?\n]{{0,24}}\b(?:between|among|of) (?:the |these |both )?(?:two |three )?{_JUDGED}\b",
            r"\b(?:choose|pick|select|decide|determine|output|evaluate)\b[^.?\n]{0,40}?\bbetter (?:response|output|completion|assistant)\b",
            rf"\bevaluate the (?:quality|correctness|helpfulness|accuracy) of (?:the |these |each |two |both )?(?:[a-z]+ ){{0,2}}?{_JUDGED}\b",
            (
                r"\bcompar(?:e|ing) (?:the |these )?(?:two |both )?(?:[a-z]+ )?(?:responses|answers|outputs|completions) (?:with|to|against) the"
                r" reference\b"
            ),
            r"[\"'](?:score|rating|grade|verdict)[\"']\s*:\s*(?:<|\{|\[|[\"']?(?:int|number|float|integer|0|1)\b)",
        ),
        (
            rf"\b(?:score|rate|grade|rank|evaluate|assess|judge)\b[^?\n]*?\b{_JUDGED}\b[^?\n]*?\b{_RANGE}",
            rf"\b{_JUDGED}\b[^?\n]*?\b(?:score|rating|rate|grade|mark)s?\b[^?\n]{{0,24}}?\b{_RANGE}",
        ),
        (
            r"(?:请|对|为|给)[^。！？\n]{0,24}?(?:回答|回复|答案|输出|作文|译文)[^。！？\n]{0,24}?(?:评分|打分|评判|评级)|(?:根据|按照|依据)[^。\n]{0,12}?评分标准",
            r"(?:回答|応答|解答|出力)[^。！？\n]{0,24}?(?:採点|点数|段階で評価)|(?:採点|評価)基準に(?:従|基づ|沿)",
            r"(?:답변|응답|출력)[^.!?\n]{0,24}?(?:점수를|채점|평점)|(?:채점|평가) 기준에 따라",
            r"\b(?:califi[cq]|evalú|puntú|valor)\w*[^?\n]{0,60}?\brespuestas?\b[^?\n]{0,80}?(?:escala|rúbrica|puntuación|del? [01] al? \d)",
            r"\b(?:note[zr]?|évalue[zr]?|juge[zr]?)\b[^?\n]{0,60}?\bréponses?\b[^?\n]{0,80}?(?:échelle|barème|grille|note de|de [01] à \d)",
            (
                r"\b(?:bewerte[nt]?|beurteile[nt]?|benote[nt]?)\b[^?\n]{0,60}?\bantwort(?:en)?\b[^?\n]{0,80}?(?:skala|punkte|rubrik|kriterien|von [01]"
                r" bis \d)"
            ),
            r"\b(?:avalie|pontue|classifique)\b[^?\n]{0,60}?\brespostas?\b[^?\n]{0,80}?(?:escala|rubrica|pontuação|de [01] a \d)",
            r"\b(?:оцени|оцените|поставь|поставьте)\b[^?\n]{0,60}?\bответ\w*[^?\n]{0,80}?(?:шкал|балл|рубрик|критери|от [01] до \d)",
        ),
    ),
    anchors=(
        "rubric",
        "criteria",
        "scheme",
        "guide",
        "scale",
        "impartial",
        "grader",
        "evaluator",
        "rater",
        "scorer",
        "[[",
        "0 to ",
        "1 to ",
        "zero to ",
        "one to ",
        "0 and ",
        "1 and ",
        "zero and ",
        "one and ",
        "0-",
        "1-",
        "0 -",
        "1 -",
        "0–",
        "1–",
        "0 –",
        "1 –",
        "zero-",
        "one-",
        "zero -",
        "one -",
        "zero–",
        "one–",
        "zero –",
        "one –",
        "out of ",
        "better",
        "prefer",
        "superior",
        "winner",
        "more helpful",
        "more correct",
        "more accurate",
        "quality of",
        "correctness of",
        "helpfulness of",
        "accuracy of",
        "reference",
        'score"',
        'rating"',
        'grade"',
        'verdict"',
        "score'",
        "rating'",
        "grade'",
        "verdict'",
        "评分",
        "打分",
        "评判",
        "评级",
        "採点",
        "点数",
        "段階で評価",
        "評価基準",
        "점수를",
        "채점",
        "평점",
        "평가 기준",
        "respuesta",
        "réponse",
        "antwort",
        "resposta",
        "ответ",
    ),
    is_negatable=False,  # judges are told many things not to do
)
