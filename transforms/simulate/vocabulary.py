"""The words payloads are made of: a small vocabulary and sentence pattern per language, made for this simulator."""

from dataclasses import dataclass

DOMAINS: dict[str, str] = {
    "commerce": "invoice order refund parcel warehouse coupon checkout supplier catalogue return stock shipment retailer basket voucher discount",
    "medicine": "patient dosage symptom therapy clinic diagnosis vaccine surgeon recovery allergy scan ward prescription nurse fever trial",
    "law": "contract clause tenant liability statute appeal witness licence verdict trademark landlord damages arbitration permit will court",
    "travel": "itinerary hostel ferry visa airport luggage museum hike border timetable island cabin passport detour campsite tram",
    "cooking": "dough marinade oven broth spice risotto yeast pastry skillet vinegar lentils custard roast glaze basil crust",
    "finance": "portfolio dividend mortgage ledger audit bond pension tariff budget liquidity forecast hedge payroll deposit equity levy",
    "software": "parser queue cache endpoint migration thread compiler schema index socket deployment container kernel buffer module latency",
    "education": "syllabus essay tutor exam lecture pupil grammar thesis homework seminar rubric classroom textbook scholarship quiz lesson",
    "energy": "turbine grid battery inverter boiler pipeline meter reactor insulation substation panel transformer outage fuel pump heat",
    "sport": "referee marathon league striker relay coach stadium sprint injury paddle tournament defender goalkeeper lap season medal",
    "science": "theorem integral molecule orbit enzyme lattice momentum isotope polymer vector probability fossil spectrum matrix galaxy prime",
    "logistics": "pallet driver depot container route customs crane fleet manifest tonnage forklift dock carrier seal freight trailer",
}
"""Nouns by field of knowledge, English; other languages have one list each."""


@dataclass(frozen=True)
class Tongue:
    """How a payload is written in one language.

    Attributes:
        starters: how a sentence begins.
        adjectives: adjectives.
        nouns: nouns, used where no field of knowledge has its own.
        verbs: verbs.
        links: function words between phrases.
        pattern: order of word classes after the starter, repeated: f link, a adjective, n noun, v verb, x rare name.
        joiner: what stands between words.
        stop: what ends a sentence.
    """

    starters: str
    adjectives: str
    nouns: str
    verbs: str
    links: str
    pattern: str = "fanvfanxfn"
    joiner: str = " "
    stop: str = ". "


TONGUES: dict[str, Tongue] = {
    "en": Tongue(
        "why how when please where what could should if after before suppose although because can does",
        "late small broken quiet expensive rare recent northern heavy empty early unusual local second private bright slow narrow modern public steep cheap plain former daily hollow warm strict odd gentle",
        "plan reason letter neighbour window question report machine garden colleague summer office story river minute picture village machine offer list market bridge method paper shelf corner visit weight signal habit",
        "explains delays covers replaces holds changes moves improves breaks needs follows opens limits supports carries shows returns ignores keeps checks",
        "the a with for without under near between about during over against from into of by while and",
    ),
    "de": Tongue(
        "warum wie wann bitte wo was könnte wenn nachdem bevor obwohl weil kann soll",
        "späte kleine kaputte ruhige teure seltene neue schwere leere frühe örtliche zweite private helle langsame schmale",
        "Rechnung Bestellung Frage Brücke Werkstatt Reise Küche Zeitung Prüfung Heizung Straße Wohnung Lieferung Versicherung Maschine Stunde Antwort Grenze Schule Leitung",
        "erklärt verzögert ersetzt hält ändert bewegt verbessert braucht folgt öffnet begrenzt trägt zeigt prüft",
        "die der das mit für ohne unter neben zwischen über während gegen aus und nicht ist",
    ),
    "fr": Tongue(
        "pourquoi comment quand où que pourrait si après avant bien parce peut doit",
        "petite tardive cassée calme chère rare récente lourde vide locale seconde privée claire lente étroite",
        "facture commande question route cuisine valise réunion maison livraison machine lettre fenêtre école réponse usine saison gare visite",
        "explique retarde remplace garde change améliore demande suit ouvre limite porte montre vérifie",
        "la le les des avec pour sans sous près entre pendant contre dans et une est",
    ),
    "es": Tongue(
        "por qué cómo cuándo dónde podría si después antes aunque porque puede debe",
        "pequeña tarde rota tranquila cara rara reciente pesada vacía local segunda privada clara lenta estrecha",
        "factura pedido pregunta carretera cocina maleta reunión casa entrega máquina carta ventana escuela respuesta fábrica estación visita",
        "explica retrasa reemplaza guarda cambia mejora necesita sigue abre limita lleva muestra revisa",
        "la el los las con para sin bajo cerca entre durante contra de y una es",
    ),
    "pt": Tongue(
        "por que como quando onde poderia se depois antes embora porque pode deve",
        "pequena tardia quebrada calma cara rara recente pesada vazia local segunda privada clara lenta",
        "fatura encomenda pergunta estrada cozinha mala reunião casa entrega máquina carta janela escola resposta fábrica estação",
        "explica atrasa substitui guarda muda melhora precisa segue abre limita leva mostra verifica",
        "a o os as com para sem sob perto entre durante contra de e uma não é",
    ),
    "it": Tongue(
        "perché come quando dove potrebbe se dopo prima anche può deve",
        "piccola tardiva rotta calma cara rara recente pesante vuota locale seconda privata chiara lenta",
        "fattura ordine domanda strada cucina valigia riunione casa consegna macchina lettera finestra scuola risposta fabbrica",
        "spiega ritarda sostituisce tiene cambia migliora segue apre limita porta mostra controlla",
        "la il gli le con per senza sotto vicino tra durante contro di e una che è",
    ),
    "nl": Tongue(
        "waarom hoe wanneer waar wat zou als nadat voordat hoewel omdat kan moet",
        "late kleine kapotte rustige dure zeldzame nieuwe zware lege vroege plaatselijke tweede heldere trage",
        "rekening bestelling vraag brug werkplaats reis keuken krant toets verwarming straat woning levering machine antwoord",
        "verklaart vertraagt vervangt houdt verandert verbetert volgt opent beperkt draagt toont controleert",
        "de het een met voor zonder onder naast tussen over tijdens tegen uit en niet is",
    ),
    "pl": Tongue(
        "dlaczego jak kiedy gdzie czy jeśli po przed chociaż ponieważ może powinien",
        "mała późna zepsuta spokojna droga rzadka nowa ciężka pusta lokalna druga jasna wolna",
        "faktura przesyłka sprawa droga kuchnia walizka szkoła dostawa maszyna okno odpowiedź fabryka stacja",
        "wyjaśnia opóźnia zastępuje trzyma zmienia poprawia śledzi otwiera ogranicza niesie pokazuje sprawdza",
        "z dla bez pod obok między podczas przeciw do i nie jest się na",
    ),
    "tr": Tongue(
        "neden nasıl nerede hangi eğer sonra önce çünkü belki acaba",
        "küçük geç bozuk sakin pahalı nadir yeni ağır boş yerel ikinci açık yavaş",
        "fatura sipariş soru yol mutfak bavul toplantı ev teslimat makine mektup pencere okul cevap fabrika",
        "açıklıyor geciktiriyor değiştiriyor tutuyor geliştiriyor izliyor açıyor sınırlıyor taşıyor gösteriyor",
        "ile için olmadan altında yanında arasında karşı ve bir bu değil çok",
    ),
    "ru": Tongue(
        "почему как когда где что если после прежде хотя потому может должен",
        "маленькая поздняя тихая дорогая редкая новая тяжёлая пустая местная вторая светлая медленная",
        "накладная посылка задача дорога кухня школа доставка машина книга ответ фабрика станция лампа граница",
        "объясняет задерживает заменяет держит меняет улучшает открывает ограничивает несёт показывает",
        "и в на с для без под около между против не это из",
    ),
    "uk": Tongue(
        "чому як коли де що якщо після перед хоча може",
        "маленька пізня тиха дорога рідкісна нова важка порожня місцева друга світла",
        "посилка задача дорога кухня школа доставка книга відповідь фабрика станція їжа межа",
        "пояснює затримує замінює тримає змінює покращує відкриває обмежує несе показує",
        "і в на з для без під біля між проти не це та",
    ),
    "zh": Tongue(
        "为什么 怎么 什么时候 请 哪里 如果 因为 虽然 应该 可以",
        "很小的 很晚的 安静的 昂贵的 少见的 最近的 沉重的 空的 本地的 第二个 明亮的 缓慢的",
        "发票 订单 问题 道路 厨房 行李 会议 房子 货物 机器 信件 窗户 学校 回答 工厂 车站 合同 病人",
        "解释 推迟 替换 保持 改变 改进 需要 跟着 打开 限制 显示 检查",
        "和 在 对 从 把 给 关于 没有 下面 之间 这个 那个 我们",
        "fanvfanxfn", "", "。",
    ),
    "ja": Tongue(
        "なぜ どうして いつ どこ もし だから しかし できれば",
        "小さな 遅い 静かな 高い 珍しい 最近の 重い 空の 近くの 明るい",
        "請求書 注文 質問 道路 台所 荷物 会議 家 機械 手紙 窓 学校 答え 工場 駅",
        "説明する 遅れる 置き換える 守る 変える 直す 必要とする 開く 示す 調べる",
        "は が を に で と の から まで について ない",
        "anfnfvanfxfn", "", "。",
    ),
    "ko": Tongue(
        "왜 어떻게 언제 어디서 만약 그래서 그러나 제발",
        "작은 늦은 조용한 비싼 드문 최근의 무거운 빈 가까운 밝은",
        "송장을 주문을 질문이 도로가 부엌에서 가방을 회의에서 집을 기계가 편지를 창문이 학교에서 대답이 공장에서",
        "설명한다 늦춘다 바꾼다 지킨다 고친다 따른다 연다 보여준다 확인한다",
        "그리고 또는 아래 사이에 대해 없이 우리 이 그",
    ),
    "id": Tongue(
        "mengapa bagaimana kapan di mana jika setelah sebelum karena bisa harus",
        "kecil lambat rusak tenang mahal langka baru berat kosong lokal kedua terang",
        "faktur pesanan pertanyaan jalan dapur koper rapat rumah pengiriman mesin surat jendela sekolah jawaban pabrik",
        "menjelaskan menunda mengganti menjaga mengubah memperbaiki mengikuti membuka membatasi membawa menunjukkan",
        "yang dengan untuk tanpa di dekat antara selama melawan dari dan tidak ini itu",
    ),
    "code": Tongue(
        "def class if for while return try with import async",
        "self.pending int(raw) None [] True value 0 len(rows) {} str(key)",
        "rows buffer index client config handler token node path result batch state cursor offset",
        "= == += in not and or -> != <=",
        "( ) : , return if else for in lambda await yield",
        "nvafxfnvnf", " ", "\n",
    ),
}  # fmt: skip
"""Languages by ISO 639-1 code, and `code` for source text; their order is fixed, English first."""

SYLLABLES = [
    "vel",
    "mor",
    "tar",
    "kin",
    "sa",
    "lo",
    "bren",
    "du",
    "pax",
    "il",
    "ra",
    "thon",
    "mi",
    "cor",
    "zev",
    "ul",
    "ne",
    "fal",
    "dro",
    "gis",
    "ka",
    "wen",
    "ost",
    "ri",
    "bal",
    "quo",
    "lem",
    "ye",
    "nor",
    "hu",
]
"""Names of people, places and products are three of these: 27,000 that no other text holds."""
