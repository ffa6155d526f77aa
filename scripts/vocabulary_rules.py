"""What the vocabulary leaves out and prefers: rules for build_vocabulary.py, found by looking."""

import re

ANIMAL, ARTIFACT, BODY, FOOD, OBJECT, PERSON, PLANT, SUBSTANCE = 5, 6, 8, 13, 17, 18, 20, 27
# Where a word has several visible meanings, how much the less frequent one may win by.
FILES = {
    ANIMAL: 1.0, ARTIFACT: 1.0, BODY: 1.0, OBJECT: 1.0, FOOD: 0.3, PLANT: 0.2, PERSON: 0.02,
    SUBSTANCE: 0.02,
}  # fmt: skip
TOPS = ("animal#1", "plant#2", "person#1")  # visible, though WordNet files them under its tops

# Meanings are written as lemma#number, the number as in index.noun.
NOT_VISIBLE = (
    "drug#1", "medicine#2", "agent#3", "taxonomic group#1", "facility#1", "memory device#1",
    "chromosome#1", "chemical element#1", "subatomic particle#1", "atom#1", "geographical area#1",
    "sample#3", "computer program#1", "diet#1", "microorganism#1", "vitamin#1", "art#1",
    "integrated circuit#1", "biological agent#1", "poison gas#1",
)  # fmt: skip
ANATOMY = (
    "wood#1",
    "muscle#1", "nerve#1", "blood vessel#1", "vessel#1", "gland#1", "duct#1", "tissue#1",
    "ligament#1", "internal organ#1", "reproductive organ#1", "neural structure#1",
    "body substance#1", "connective tissue#1", "membrane#2", "plexus#1", "craniometric point#1",
    "gyrus#1", "passage#7", "system#8", "lobe#1", "cortical area#1", "organelle#1", "cell#2",
    "body waste#1", "process#5", "skeletal structure#1", "joint#1", "valve#1", "groove#3",
    "genitalia#1", "plant tissue#1", "body covering#1", "buttocks#1", "contractile organ#1",
    "vascular structure#1",
)  # fmt: skip
# Visible after all, though within the above.
ANATOMY_KEPT = (
    "wood#1",
    "hair#1", "skin#1", "feather#1", "fur#1", "coat#2", "scale#10", "beard#1", "mustache#1",
    "eyebrow#1", "eyelash#1", "skull#1", "spine#1", "knee#1", "elbow#1", "ankle#1", "hip#1",
    "shoulder#1", "wrist#1", "knuckle#1", "mouth#1", "nostril#1", "tooth#1", "tongue#1", "lip#1",
    "red blood cell#1", "white blood cell#1", "cell#2", "tear#1", "brain#1", "heart#2",
    "carapace#1", "udder#1", "mane#2",
)  # fmt: skip
PEOPLE = (
    "skilled worker#1", "employee#1", "athlete#1", "performer#1", "scientist#1", "professional#1",
    "child#1", "artist#1", "musician#1", "dancer#1", "farmer#1", "student#1", "clergyman#1",
    "serviceman#1", "firefighter#1", "lawman#1", "rider#1", "driver#1", "player#1", "swimmer#1",
)  # fmt: skip
NAMED_PEOPLE = ("man#1", "woman#1", "baby#1", "boy#1", "girl#1", "bride#1")
UNKIND = re.compile(
    r"offensive (?:term|name|word)|obscen|disparag|derogat|pejorat|\bslur\b|vulgar|contempt|insult"
    r"|prostitut|sexual|genital|slave|\brape|terroris|criminal|torture|suicid|intercourse"
    r"|\banus\b|buttock|vagina|excre|execut(?:es|ing) (?:people|condemned)|narcotic|condom"
)
UNKIND_USAGE = {"disparagement", "ethnic slur", "obscenity", "slang", "street name"}
UNKIND_WORDS = re.compile(
    r"\b(?:ass|arse|bum|tits?|boobs?|knockers|bastard|bitch|whore|crap(?:per)?|shit\w*|piss\w*"
    r"|negro|gypsy|squaw|savage|oriental|cripple|spastic|moron|penis|scrot\w*|anal"
    r"|idiot box|boob tube|fag(?:got)?|coon|jap|chink|dick|pecker|hooker|harem|vibrator|pessary"
    r"|corpse|cadaver|gallows|gibbet|guillotine|electric chair|gas chamber|noose|galley slave"
    r"|nipple|spermat\w*|spermic\w*|tin can|death ch\w+|gallous|hareem)\b"
)
GROUPS = {
    "not visible": NOT_VISIBLE, "anatomy": ANATOMY, "anatomy kept": ANATOMY_KEPT, "tops": TOPS,
    "people": PEOPLE, "named people": NAMED_PEOPLE, "chemicals": ("chemical#1",),
}  # fmt: skip
SENSES = {
    "apple": 1, "barrel": 2, "bow": 4, "cap": 1, "cell": 2, "crane": 4, "crown": 4, "dolphin": 2,
    "hammer": 2, "helmet": 2, "joystick": 2, "key": 1, "mortar": 3, "mouse": 1, "organ": 5,
    "paddle": 4, "person": 1, "plant": 2, "ray": 7, "ring": 8, "scale": 7, "sconce": 4,
    "scooter": 3, "seal": 9, "shield": 2, "television": 3, "toilet": 2, "tram": 3, "turtle": 2,
    "van": 5, "glass": 2, "belt": 2, "match": 1, "mole": 6, "bat": 1, "trumpet": 1,
}  # fmt: skip
OTHER_WORDS = {"pants": "trouser#1", "phone": "telephone#1", "tie": "necktie#1"}
# Lists of one set of photos that do not hold for every kind of the thing.
NO_HEIRS = {
    "plant", "light", "wheel", "door", "computer", "scale", "shelf", "washer", "glass", "mask",
    "face", "head", "leaf", "cell", "shield", "key", "lock", "window", "leg", "arm", "mirror",
    "box", "bar", "kiosk", "room", "flag", "ring", "cap", "organ", "match", "eye", "ear", "hand",
    "man", "woman", "baby", "mouth", "nose", "foot", "torso", "tower", "basket", "hole", "ladder",
}  # fmt: skip
PLURAL_NAMES = {
    "glasses", "sunglasses", "shorts", "tights", "pants", "jeans", "leggings", "heels", "pumps",
    "flats", "scissors", "stairs", "pliers", "pajamas", "french fries", "goggles", "binoculars",
}  # fmt: skip
TOO_ODD = re.compile(
    r"gear$|^reverse$|^air sac$|^alveolus$"
    r"|^(?:action|accelerator|accessory|gasoline engine|stabilizer bar)$"
)
HEIR_DEPTH, WORDNET_DEPTH, WIDEST_GIVER, MOST_PARTS, MOST_HANDED = 8, 1, 40, 32, 14
RAREST_SENSE = 0.04  # share of a word's uses below which the visible meaning is not meant
EVERYDAY, FAMILIAR = 6.0, 2.0  # how common a part of WordNet's must be, with hand-made ones or not
