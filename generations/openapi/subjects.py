"""Under which heads the calls stand, in the order in which they are shown."""

FILMS, PICTURES, HISTORY, PRICES, MONEY, KEYS = (
    "Films",
    "Pictures",
    "History",
    "Models and prices",
    "Money",
    "Keys and webhooks",
)
SUBJECTS = {
    FILMS: "Ask for a film, look after it, call it off.",
    PICTURES: "Send us a picture that is not on the web yet.",
    HISTORY: "What you asked for before.",
    PRICES: "What is on sale, and what it costs before you ask for it.",
    MONEY: "What you have, and what was charged.",
    KEYS: "What this key may do, what signs our webhooks, and this description itself.",
}
