"""Small words that tell languages of one script apart: frequent function words and the verbs prompts begin with."""

from typing import Final

STOPWORDS: Final[dict[str, dict[str, str]]] = {
    "latin": {
        "en": "the and of to in is that it for was on are with as at this but his by from they have an be or which you were"
        " not what how write please explain would there their about into can could should who when where why your my me he"
        " she we will do does if than then them her its each has had give tell make create following between using find implement"
        " function return some any these those two one been more only out up now both over while after before",
        "es": "el la los las de que y en un una por con no para es su se lo como más pero sus le ya o este sí porque esta"
        " entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante qué cómo cuál escribe explica"
        " puedes dame haz del al son está ser fue tiene cuáles",
        "fr": "le la les de des et en un une que qui dans pour pas sur au avec il elle est sont plus par ce cette ces mais"
        " ou où comme tout nous vous je ne se son sa ses leur être avoir fait quel quelle comment pourquoi écris explique"
        " écrivez expliquez peux pouvez moi aux du à été",
        "de": "der die das und in den von zu mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat"
        " dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr"
        " durch man wir ich was wer warum schreibe erkläre bitte kannst können mir zwischen",
        "it": "il lo la i gli le di che e un una in per non con del della dei delle sono è come da su si al alla più ma anche"
        " se questo questa nel nella o ha hanno essere cosa quando dove perché chi mi scrivi spiega puoi qual quali dammi"
        " tra dal fra degli",
        "pt": "o a os as de que e do da em um uma para com não no na por mais dos das se como mas ao ele ela seu sua ou"
        " quando muito nos já eu também só pelo pela até isso entre era depois sem mesmo aos qual quais você escreva explique"
        " pode me são é está uns às foi ser tem",
        "nl": "de het een van en in is dat op te zijn met voor niet aan er om ook als maar dan bij uit wordt door nog naar"
        " kan worden heeft hebben deze dit wat hoe waarom schrijf geef leg je ik wij zij mijn jouw tussen waar wie welke over"
        " tot hun",
        "sv": "och att det som en på är av för med den till i han inte om ett men var jag sig från vi så kan när hur vad skriv"
        " förklara ska har hade eller mellan varför du min mig dig också efter vid utan finns denna de",
        "da": "og at det som en på er af for med den til i han ikke om et men var jeg sig fra vi så kan når hvordan hvad skriv"
        " forklar skal har havde eller mellem hvorfor du min mig dig også efter ved uden findes denne de der hvem",
        "no": "og at det som en på er av for med den til i han ikke om et men var jeg seg fra vi så kan når hvordan hva skriv"
        " forklar skal har hadde eller mellom hvorfor du min meg deg også etter ved uten finnes denne de hvem noen",
        "fi": "ja on ei se että oli joka mutta hän ovat kun niin kuin myös sen mitä miten miksi kirjoita selitä tai jos ole"
        " olla minä sinä tämä voi vain kanssa sekä ne mikä kuka missä jotka mukaan",
        "pl": "i w nie na się że do jest z to o jak ale po co tak za od przez dla czy już są był była które który oraz tym"
        " tego jego jej ich może mi napisz wyjaśnij jakie dlaczego kiedy między jestem proszę podaj",
        "cs": "a v se na je že to s z do o jako za by pro jak ale po co tak při které který jsou jsem být nebo také má jeho"
        " její proč napiš vysvětli jaké mezi prosím kde když může bylo",
        "ro": "și în de la cu pe nu este un o care că să din pentru mai sunt ce ca dar au fost sau cum această acest între"
        " scrie explică te rog îmi poți cel cea prin după fără când unde lui ei",
        "hu": "a az és hogy nem is egy ez van meg de csak már ha vagy mint volt amely lehet azt ezt kell mi hogyan miért írj"
        " magyarázd kérlek között el ki be én te ő szerint után még milyen",
        "tr": "ve bir bu da de için ile ne çok gibi daha olarak olan mi kadar ama en değil var ya nasıl neden yaz açıkla"
        " lütfen bana hangi arasında sonra ben sen o şey her nedir olduğu kim",
        "id": "dan yang di ini itu dengan untuk tidak dari dalam adalah pada akan juga atau ke karena saya kamu anda bisa"
        " ada oleh sudah lebih seperti apa bagaimana mengapa tulis tuliskan jelaskan tolong antara buatkan sebuah mereka",
        "vi": "và của là có không cho được các một với những trong để người này đã khi như về từ cũng thì đó tôi bạn hãy viết"
        " giải thích làm thế nào tại sao gì bằng giữa nhưng hoặc nếu",
    },
    "cyrillic": {
        "ru": "и в не на что с как по это он я из к а но у за от так же для вы то все она они бы мы было был о его или"
        " при если напиши объясни почему какие пожалуйста между ты мне чем который их есть быть",
        "uk": "і в не на що з як та це він я із до а але у за від так же для ви то всі вона вони б ми було був про його або"
        " при якщо напиши поясни чому які будь ласка між ти мені який їх є бути",
        "bg": "и в не на че с как по това той аз от към а но у за така же да вие то всички тя те би ние беше е или при ако"
        " напиши обясни защо какви моля между ти ми който са се си съм",
    },
    "arabic": {
        "ar": "في من على إلى أن هذا هذه التي الذي ما هل كيف لماذا اكتب اشرح عن مع كان لا أو بين هو هي ثم قد كل لي يمكن لم",
        "fa": "در از به که این را با است برای آن یک هم تا می چه چرا چگونه بنویس توضیح بین و یا های من شما خود کنید بر شد",
        "ur": "میں کے کی ہے اور سے کا کو نے پر یہ ہیں کہ ایک کیا کیوں کیسے لکھیں وضاحت درمیان نہیں بھی تھا جو وہ آپ",
    },
    "devanagari": {
        "hi": "के में है की और से का को हैं पर यह एक ने भी कि था लिए क्या कैसे क्यों लिखिए लिखें समझाइए बीच नहीं जो वह मुझे",
        "mr": "आणि आहे मध्ये च्या या हे ते एक की का कसे काय लिहा स्पष्ट नाही आहेत होते साठी वर मला पण असे",
    },
}
