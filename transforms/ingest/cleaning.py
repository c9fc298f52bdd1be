r"""How prompts ask for a verdict on each step, trace or sample of other outputs, and for what to keep of them: trace cleaning and step-wise grading.

What graders say has three parts: what is judged (steps, thoughts, traces, rationales, rollouts, candidate answers), that each of it is, and
the words of the verdict, which come in pairs (good or bad, correct or incorrect, keep or drop). Two of the three stand close together
here; a person who asks to check one solution names no pair, and a quiz judges no steps.
"""

from transforms.ingest.claim import Claim

UNITS = (
    r"(?:(?:reasoning|solution|proof|chain[- ]of[- ]thought|cot|intermediate|agent|model|thought|candidate|sampled|generated|teacher|student)[- ]){0,2}"
    r"(?:steps?|thoughts|traces?|trajector(?:y|ies)|rationales?|rollouts?)"
)
"""What is judged piece by piece, and is seldom anything else."""

SAMPLES = (
    r"(?:model|candidate|generated|sampled|low[- ]quality) (?:(?:reasoning|solution|model|training) )?"
    r"(?:outputs?|responses?|answers?|completions?|samples?|examples?|generations?|conversations?)"
)
"""What is judged as a whole, where it is said to be a model's."""

_QUOTE = r"[\"'`*\[(<]{0,3}"
_UNQUOTE = r"[\"'`*\])>]{0,3}"
_OR = rf"{_UNQUOTE}(?: ?[,/|] ?|,? (?:or|vs\.?|versus) |,? (?:or|and) as ){_QUOTE}"
VERDICTS = (
    rf"(?:{_QUOTE}(?:good{_OR}bad|bad{_OR}good|ok(?:ay)?{_OR}(?:bad|wrong|broken)|correct{_OR}(?:incorrect|wrong|flawed)|incorrect{_OR}correct|right{_OR}wrong|"
    rf"wrong{_OR}right|(?:in)?valid{_OR}(?:in)?valid|sound{_OR}(?:unsound|flawed)|pass(?:es|ed)?{_OR}fail(?:s|ed)?|accept(?:ed)?{_OR}reject(?:ed)?|"
    rf"(?:keep|retain|kept){_OR}(?:drop|discard|remove|reject|delete|dropped|discarded|removed)|(?:drop|discard|remove|reject){_OR}(?:keep|retain)|"
    rf"useful{_OR}(?:useless|redundant)|helpful{_OR}(?:unhelpful|harmful)|positive{_OR}negative|\+1{_OR}-1|[01]{_OR}[01]))"
)
"""Verdicts in pairs."""

_SAY = r"\b(?:mark|label|tag|flag|annotate|classify|judge|rate|grade|check|verify|review|assess|evaluate|inspect|audit|score|assign|decide|give|call)\b"
_EACH = r"\b(?:each|every|all|individual|any)\b"
_BAD = r"\b(?:bad|wrong|incorrect|invalid|flawed|faulty|low[- ]quality|redundant|useless|broken|erroneous|unsound|hallucinated|contradictory|unsupported|failed|failing|poor)\b"
_REMOVE = r"\b(?:remove|delete|drop|discard|filter(?: out)?|strip(?: out)?|prune|cut(?: out)?|exclude|throw out|weed out|reject|clean(?: out| up)?)\b"

JUDGES_STEPS = Claim(
    patterns=(
        (
            rf"{_SAY}[^.?!\n]{{0,40}}?{_EACH} (?:of (?:the|these|its|their) )?(?:\w+ )?{UNITS}\b[^?!\n]{{0,48}}?{VERDICTS}",
            rf"{_EACH} (?:of (?:the|these|its|their) )?(?:\w+ )?(?:{UNITS}|{SAMPLES})\b[^.?!\n]{{0,32}}?\b(?:is|are|as|with|either|whether|gets?|receives?|answer|reply|say|write|output)\b[^.?!\n]{{0,24}}?{VERDICTS}",
            rf"{_REMOVE} (?:all |any |every |the |those |out |only )*{_BAD} (?:or \w+ |and \w+ |, \w+ )?(?:{UNITS}|{SAMPLES})\b",
            rf"{_REMOVE} (?:all |any |every |the |those )*(?:{UNITS}|{SAMPLES}) (?:that|which|where|whose|if)\b[^.?!\n]{{0,48}}?{_BAD}",
            rf"\b(?:clean(?:ing)?|filter(?:ing)?|curat(?:e|ing)|denois(?:e|ing)|sanitiz(?:e|ing)) (?:up )?(?:the |these |this |all |each |every |following )*(?:{UNITS}|{SAMPLES})\b",
            (
                rf"\b(?:assign|give|attach|predict|output|write|add|put|emit|return|provide)\b[^.?!\n]{{0,24}}?\b(?:scores?|labels?|rewards?|verdicts?|grades?|ratings?|marks?)\b"
                rf"[^.?!\n]{{0,16}}?\b(?:to|for|of|per|after|before|beside|next to) (?:{_EACH} )?(?:of (?:the|these|its|their) )?(?:{UNITS}|{SAMPLES})\b"
            ),
            rf"\b(?:answer|reply|respond|output|return|print|say|write)\b[^.?!\n]{{0,32}}?{VERDICTS}[^?!]{{0,160}}?\b(?:(?:reasoning|solution) (?:traces?|steps?)|(?:candidate|model|generated) (?:answers?|outputs?|responses?))\b",
            rf"\b(?:(?:reasoning|solution) (?:traces?|steps?)|(?:candidate|model|generated) (?:answers?|outputs?|responses?))\b[^?!]{{0,160}}?\b(?:answer|reply|respond|output|return|print|say|write|mark|label)\b[^.?!\n]{{0,32}}?{VERDICTS}",
            r"(?:标注|标记|判断|检查|评判|逐条|逐步)[^。！？\n]{0,24}?(?:步骤|推理|轨迹|每一步)[^。！？\n]{0,32}?(?:正确(?:或|还是|/|、)错误|好(?:或|还是|/|、)坏|保留(?:或|还是|/|、)(?:删除|丢弃))",
            r"(?:删除|去掉|过滤|剔除|清洗)[^。！？\n]{0,12}?(?:(?:错误|无效|冗余)[^。！？\n]{0,6}?(?:推理|步骤|轨迹)|低质量的?(?:推理|步骤|轨迹|回答|样本))",
        ),
    ),
    anchors=(
        "step",
        "thoughts",
        "trace",
        "trajector",
        "rational",
        "rollout",
        "model ",
        "candidate ",
        "generated ",
        "sampled ",
        "low-quality ",
        "low quality ",
        "步骤",
        "推理",
        "轨迹",
        "每一步",
        "低质量",
    ),
    is_negatable=False,  # judges are told many things not to do
)
"""Searched apart from other grading: its patterns are long, and few texts hold one of its anchors."""
