"""A little general knowledge, as tables."""

from __future__ import annotations

CAPITALS = {
    "france": "Paris", "germany": "Berlin", "spain": "Madrid", "italy": "Rome", "portugal": "Lisbon",
    "england": "London", "the united kingdom": "London", "united kingdom": "London", "uk": "London",
    "ireland": "Dublin", "scotland": "Edinburgh", "wales": "Cardiff", "netherlands": "Amsterdam", "belgium": "Brussels",
    "switzerland": "Bern", "austria": "Vienna", "poland": "Warsaw", "czech republic": "Prague", "hungary": "Budapest",
    "greece": "Athens", "turkey": "Ankara", "russia": "Moscow", "ukraine": "Kyiv", "romania": "Bucharest",
    "bulgaria": "Sofia", "croatia": "Zagreb", "serbia": "Belgrade", "sweden": "Stockholm", "norway": "Oslo",
    "finland": "Helsinki", "denmark": "Copenhagen", "iceland": "Reykjavik", "estonia": "Tallinn", "latvia": "Riga",
    "lithuania": "Vilnius", "japan": "Tokyo", "china": "Beijing", "south korea": "Seoul", "korea": "Seoul",
    "north korea": "Pyongyang", "india": "New Delhi", "pakistan": "Islamabad", "indonesia": "Jakarta",
    "thailand": "Bangkok", "vietnam": "Hanoi", "philippines": "Manila", "malaysia": "Kuala Lumpur",
    "singapore": "Singapore", "australia": "Canberra", "new zealand": "Wellington", "canada": "Ottawa",
    "united states": "Washington, D.C.", "usa": "Washington, D.C.", "us": "Washington, D.C.", "america": "Washington, D.C.",
    "mexico": "Mexico City", "brazil": "Brasília", "argentina": "Buenos Aires", "chile": "Santiago", "peru": "Lima",
    "colombia": "Bogotá", "venezuela": "Caracas", "cuba": "Havana", "egypt": "Cairo", "morocco": "Rabat",
    "kenya": "Nairobi", "nigeria": "Abuja", "ghana": "Accra", "ethiopia": "Addis Ababa", "south africa": "Pretoria",
    "israel": "Jerusalem", "saudi arabia": "Riyadh", "iran": "Tehran", "iraq": "Baghdad", "lebanon": "Beirut",
    "california": "Sacramento", "texas": "Austin", "new york": "Albany", "florida": "Tallahassee",
    "washington state": "Olympia", "oregon": "Salem",
}  # fmt: skip
COLORS = {
    "sky": "blue", "ocean": "blue", "sea": "blue", "grass": "green", "leaf": "green", "leaves": "green",
    "banana": "yellow", "sun": "yellow", "lemon": "yellow", "snow": "white", "milk": "white", "blood": "red",
    "strawberry": "red", "tomato": "red", "apple": "red", "rose": "red", "fire truck": "red", "coal": "black",
    "night": "black", "carrot": "orange", "orange": "orange", "pumpkin": "orange", "chocolate": "brown",
    "elephant": "gray", "stop sign": "red", "school bus": "yellow", "plum": "purple", "flamingo": "pink",
}  # fmt: skip
_PAIRS = (
    "hot cold,up down,big small,large little,tall short,long brief,fast slow,quick sluggish,high low,left right,"
    "black white,day night,good bad,happy sad,rich poor,old young,new ancient,open closed,on off,in out,"
    "light dark,heavy weightless,hard soft,wet dry,full empty,early late,first last,north south,east west,"
    "yes no,true false,love hate,start stop,begin end,push pull,win lose,buy sell,give take,inside outside,"
    "above below,over under,loud quiet,strong weak,clean dirty,near far,thick thin,wide narrow,hello goodbye,"
    "man woman,boy girl,king queen,war peace,life death,sweet sour,summer winter,spring autumn,always never,"
    "more less,many few,easy difficult,cheap expensive,asleep awake,alive dead,front back,top bottom"
)
OPPOSITES = {
    word: other
    for pair in _PAIRS.split(",")
    for one, two in [pair.split()]
    for word, other in ((one, two), (two, one))
} | {
    "cool": "warm",
    "warm": "cool",
    "short": "tall",
    "hard": "easy",
    "open": "closed",
    "close": "open",
    "dark": "light",
}
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
KINDS = {
    "color": "red, blue, green, yellow, purple, orange, black, white, pink, brown",
    "primary color": "red, blue, yellow",
    "fruit": "apple, banana, orange, grape, mango, pear, cherry, peach, kiwi, plum",
    "vegetable": "carrot, broccoli, spinach, potato, onion, pea, cabbage, bean, leek, beet",
    "animal": "dog, cat, elephant, lion, horse, rabbit, tiger, bear, wolf, fox",
    "country": "France, Japan, Brazil, Canada, Kenya, India, Italy, Norway, Peru, Egypt",
    "city": "Paris, Tokyo, New York, London, Cairo, Sydney, Berlin, Toronto, Mumbai, Lima",
    "planet": "Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus, Neptune",
    "ocean": "Pacific, Atlantic, Indian, Southern, Arctic",
    "continent": "Africa, Antarctica, Asia, Europe, North America, Oceania, South America",
    "sport": "soccer, tennis, basketball, swimming, golf, hockey, rugby, baseball, cycling, rowing",
    "instrument": "piano, guitar, violin, drums, flute, trumpet, cello, harp, clarinet, oboe",
    "season": "spring, summer, autumn, winter",
    "day of the week": ", ".join(DAYS),
    "weekday": ", ".join(DAYS[:5]),
    "day": ", ".join(DAYS),
    "month": ", ".join(MONTHS),
    "vowel": "A, E, I, O, U",
    "language": "English, Spanish, French, German, Japanese, Arabic, Hindi, Italian, Swahili, Dutch",
    "programming language": "Python, Rust, Go, Java, Ruby, C, Swift, Kotlin, Scala, Haskell",
    "shape": "circle, square, triangle, rectangle, pentagon, hexagon, oval, star, diamond, cube",
    "prime number": "2, 3, 5, 7, 11, 13, 17, 19, 23, 29",
    "number": "7, 3, 9, 4, 1, 8, 2, 6, 5, 10",
    "word": "sunshine, river, lantern, meadow, whisper, copper, garden, velvet, thunder, harbor",
    "name": "Alice, Bob, Carol, David, Emma, Frank, Grace, Henry, Iris, Jack",
    "flower": "rose, tulip, daisy, lily, orchid, iris, poppy, violet, lotus, peony",
    "bird": "robin, eagle, owl, parrot, penguin, sparrow, swan, crow, heron, finch",
}
PLURALS = {
    "mouse": "mice", "child": "children", "man": "men", "woman": "women", "foot": "feet", "tooth": "teeth",
    "goose": "geese", "person": "people", "sheep": "sheep", "fish": "fish", "leaf": "leaves", "knife": "knives",
    "wolf": "wolves", "life": "lives", "ox": "oxen", "cactus": "cacti",
}  # fmt: skip
_LANGUAGES = (
    "Portuguese:brazil portugal;Spanish:spain mexico argentina colombia chile peru;French:france;German:germany austria;"
    "Italian:italy;Japanese:japan;Mandarin:china;Russian:russia;Dutch:netherlands;Swedish:sweden;Greek:greece;"
    "Arabic:egypt morocco;Korean:korea;Polish:poland;Turkish:turkey;English:england australia;Hindi:india"
)
_CURRENCIES = (
    "yen:japan;euro:france germany spain italy portugal ireland;pound:england kingdom;dollar:america australia canada;"
    "rupee:india;yuan:china;franc:switzerland;won:korea;real:brazil;peso:mexico argentina;rand:africa;ruble:russia"
)
FACTS: tuple[tuple[str, str, str], ...] = (
    ("many days week", "There are seven days in a week.", "seven"),
    ("many months year", "There are twelve months in a year.", "twelve"),
    ("many days leap year", "A leap year has 366 days.", "366"),
    ("many days year", "A year has 365 days.", "365"),
    ("many hours day", "There are 24 hours in a day.", "24"),
    ("many minutes hour", "There are 60 minutes in an hour.", "60"),
    ("many seconds minute", "There are 60 seconds in a minute.", "60"),
    ("many weeks year", "There are 52 weeks in a year.", "52"),
    ("many legs spider", "A spider has eight legs.", "eight"),
    ("many legs dog", "A dog has four legs.", "four"),
    ("many legs cat", "A cat has four legs.", "four"),
    ("many legs insect", "An insect has six legs.", "six"),
    ("many sides triangle", "A triangle has three sides.", "three"),
    ("many sides square", "A square has four sides.", "four"),
    ("many sides hexagon", "A hexagon has six sides.", "six"),
    ("many letters alphabet", "There are 26 letters in the English alphabet.", "26"),
    ("many continents", "There are seven continents.", "seven"),
    ("many planets solar system", "There are eight planets in the solar system.", "eight"),
    *(
        (f"language {country}", f"In {country.title()} people speak {language}.", language)
        for language, countries in (entry.split(":") for entry in _LANGUAGES.split(";"))
        for country in countries.split()
    ),
    *(
        (f"currency {country}", f"The currency is the {currency}.", currency)
        for currency, countries in (entry.split(":") for entry in _CURRENCIES.split(";"))
        for country in countries.split()
    ),
    ("planet live", "We live on Earth.", "Earth"),
    ("largest lake united states", "Lake Superior is the largest lake in the United States.", "Superior"),
    ("largest lake north america", "Lake Superior is the largest lake in North America.", "Superior"),
    ("largest lake", "The Caspian Sea is the largest lake in the world.", "Caspian"),
    ("deepest lake", "Lake Baikal is the deepest lake.", "Baikal"),
    ("largest continent", "Asia is the largest continent.", "Asia"),
    ("smallest country", "Vatican City is the smallest country.", "Vatican"),
    ("bees make", "Bees make honey.", "honey"),
    ("cows drink", "Cows drink water.", "water"),
    ("mix blue yellow", "Blue and yellow make green.", "green"),
    ("mix red yellow", "Red and yellow make orange.", "orange"),
    ("mix red blue", "Red and blue make purple.", "purple"),
    ("mix red white", "Red and white make pink.", "pink"),
    ("dozen", "A dozen is twelve.", "twelve"),
    ("largest planet", "Jupiter is the largest planet in the solar system.", "Jupiter"),
    ("smallest planet", "Mercury is the smallest planet in the solar system.", "Mercury"),
    ("red planet", "Mars is called the red planet.", "Mars"),
    ("closest planet sun", "Mercury is the planet closest to the sun.", "Mercury"),
    ("largest ocean", "The Pacific is the largest ocean.", "Pacific"),
    ("tallest mountain", "Mount Everest is the tallest mountain.", "Everest"),
    ("highest mountain", "Mount Everest is the highest mountain.", "Everest"),
    ("longest river", "The Nile is the longest river.", "Nile"),
    ("largest country", "Russia is the largest country by area.", "Russia"),
    ("largest animal", "The blue whale is the largest animal.", "whale"),
    ("fastest animal", "The cheetah is the fastest land animal.", "cheetah"),
    ("water boil fahrenheit", "Water boils at 212 degrees Fahrenheit.", "212"),
    ("water boil", "Water boils at 100 degrees Celsius.", "100"),
    ("water freeze fahrenheit", "Water freezes at 32 degrees Fahrenheit.", "32"),
    ("water freeze", "Water freezes at 0 degrees Celsius.", "0"),
    ("chemical symbol water", "The formula of water is H2O.", "H2O"),
    ("chemical formula water", "The formula of water is H2O.", "H2O"),
    ("chemical symbol gold", "The chemical symbol of gold is Au.", "Au"),
    ("speed light", "Light travels at about 300,000 kilometers per second.", "300,000"),
    ("wrote romeo juliet", "William Shakespeare wrote Romeo and Juliet.", "Shakespeare"),
    ("wrote hamlet", "William Shakespeare wrote Hamlet.", "Shakespeare"),
    ("painted mona lisa", "Leonardo da Vinci painted the Mona Lisa.", "Leonardo"),
    ("first president united states", "George Washington was the first president of the United States.", "Washington"),
    ("first person moon", "Neil Armstrong was the first person on the moon.", "Armstrong"),
    ("first man moon", "Neil Armstrong was the first man on the moon.", "Armstrong"),
    ("sound dog", "A dog says woof.", "woof"),
    ("sound cat", "A cat says meow.", "meow"),
    ("sound cow", "A cow says moo.", "moo"),
    ("eiffel tower", "The Eiffel Tower is in Paris, France.", "Paris"),
    ("big ben", "Big Ben is in London, England.", "London"),
    ("statue liberty", "The Statue of Liberty is in New York.", "New York"),
    ("capital letter alphabet first", "The first letter of the alphabet is A.", "A"),
)  # fmt: skip
"""Words of a question, a sentence, and the bare value. The first whose words are all in the question is taken."""
PHRASES = {
    "spanish": {"hello": "Hola", "goodbye": "Adiós", "thank you": "Gracias", "please": "Por favor", "yes": "Sí",
                "no": "No", "good morning": "Buenos días", "cat": "gato", "dog": "perro", "water": "agua", "house": "casa",
                "how are you": "¿Cómo estás?", "friend": "amigo", "love": "amor", "red": "rojo", "blue": "azul",
                "green": "verde", "world": "mundo", "book": "libro", "one": "uno", "two": "dos", "three": "tres",
                "_hello": "¡Hola! ¿En qué puedo ayudarte?", "_said": "Has dicho: {}", "_answer": "La respuesta es {}."},
    "french": {"hello": "Bonjour", "goodbye": "Au revoir", "thank you": "Merci", "please": "S'il vous plaît", "yes": "Oui",
               "no": "Non", "good morning": "Bonjour", "cat": "chat", "dog": "chien", "water": "eau", "house": "maison",
               "how are you": "Comment allez-vous ?", "friend": "ami", "love": "amour", "red": "rouge", "blue": "bleu",
               "green": "vert", "world": "monde", "book": "livre", "one": "un", "two": "deux", "three": "trois",
               "_hello": "Bonjour ! Comment puis-je vous aider ?", "_said": "Vous avez dit : {}",
               "_answer": "La réponse est {}."},
    "german": {"hello": "Hallo", "goodbye": "Auf Wiedersehen", "thank you": "Danke", "please": "Bitte", "yes": "Ja",
               "no": "Nein", "good morning": "Guten Morgen", "cat": "Katze", "dog": "Hund", "water": "Wasser",
               "house": "Haus", "how are you": "Wie geht es dir?", "friend": "Freund", "love": "Liebe", "red": "rot",
               "blue": "blau", "green": "grün", "world": "Welt", "book": "Buch", "one": "eins", "two": "zwei",
               "three": "drei", "_hello": "Hallo! Wie kann ich dir helfen?", "_said": "Du hast gesagt: {}",
               "_answer": "Die Antwort ist {}."},
    "italian": {"hello": "Ciao", "goodbye": "Arrivederci", "thank you": "Grazie", "please": "Per favore", "yes": "Sì",
                "no": "No", "good morning": "Buongiorno", "cat": "gatto", "dog": "cane", "water": "acqua", "house": "casa",
                "how are you": "Come stai?", "friend": "amico", "love": "amore", "red": "rosso", "blue": "blu",
                "green": "verde", "world": "mondo", "book": "libro", "one": "uno", "two": "due", "three": "tre",
                "_hello": "Ciao! Come posso aiutarti?", "_said": "Hai detto: {}", "_answer": "La risposta è {}."},
    "portuguese": {"hello": "Olá", "goodbye": "Adeus", "thank you": "Obrigado", "please": "Por favor", "yes": "Sim",
                   "no": "Não", "good morning": "Bom dia", "cat": "gato", "dog": "cachorro", "water": "água",
                   "house": "casa", "how are you": "Como vai?", "_hello": "Olá! Como posso ajudar?",
                   "_said": "Você disse: {}", "_answer": "A resposta é {}."},
    "japanese": {"hello": "こんにちは", "goodbye": "さようなら", "thank you": "ありがとう", "yes": "はい", "no": "いいえ",
                 "good morning": "おはようございます", "_hello": "こんにちは！ご用件は何でしょうか。",
                 "_said": "「{}」とおっしゃいましたね。", "_answer": "答えは{}です。"},
}  # fmt: skip
FUN_FACT = "Honey never spoils: jars of it that are thousands of years old can still be eaten."
JOKE = "Why did the developer go broke? Because he used up all his cache."
POEM = (
    "The morning opens like a door,\nthe light walks in across the floor.\n"
    "A kettle hums, a sparrow sings,\nand all the house remembers things."
)
_STORY = (
    "Once upon a time, in a small town by the sea, there lived {who} who loved to listen. Every evening, when the boats "
    "came home, {who} sat on the harbor wall and listened to the ropes and the gulls and the slow voices of the sailors. "
    "One night a voice came from the water itself, clear and patient, and it asked a question that nobody had asked "
    "before. It asked what the town would sound like if everyone in it were silent for a whole minute. So {who} went "
    "from door to door, past the baker and the blacksmith and the old school, and asked each of them to be quiet when "
    "the bell rang nine. At first they laughed, and then they wondered, and in the end they all agreed. When the bell "
    "had rung, the whole town held its breath. They heard the wind in the masts, the sand moving under the waves, and "
    "far away, a bell that answered theirs from a town that they had never known was there. In the morning they built a "
    "boat, and they filled it with bread and apples and letters, and they sent it across the bay. Seven days later it "
    "came back, filled with lamps and oranges and songs. And from that day on, every year, both towns were silent for "
    "one minute at nine in the evening, so that neither would forget that the other was listening. The children grew up "
    "and told it to their own children, who did not quite believe it, until one evening they sat on the harbor wall "
    "themselves, and held their breath, and heard it too. The end."
)


def story(subject: str) -> str:
    """Return a story that takes well over a minute to tell."""
    return _STORY.format(who=subject or "a young fox")


def essay(subject: str) -> str:
    """Return several hundred words about anything, all of them true of anything."""
    about = subject or "this subject"
    parts = (
        f"Let me tell you about {about} in some detail.",
        f"To understand {about}, it helps to begin at the beginning, because every subject has a history.",
        f"People have thought about {about} for a long time, and they did not always agree.",
        f"First, there is the question of what {about} is, and where its edges are.",
        f"Second, there is the question of how {about} works, which is best seen in small examples.",
        f"Third, there is the question of why {about} matters, and to whom.",
        "Each of these questions leads to the next one, and so it is worth taking them slowly, one after the other.",
        f"Some of what is said about {about} is well established, and some of it is still being discussed.",
        "In practice, most people meet only a small part of it, and that part is usually the simplest.",
        "Those who look closer find that the details fit together, and that few of them are there by accident.",
        f"It is also true that {about} has changed over the years, and that it will go on changing.",
        "What seems obvious today was once a surprise, and what surprises us today may become obvious.",
        f"To sum up, {about} rewards patience: begin with an example, ask why it is so, and then try another one.",
        "If you would like, I can go deeper into any part of this.",
    )
    return " ".join(parts)
