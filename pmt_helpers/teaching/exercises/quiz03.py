"""The quiz of notebook 03."""

from pmt_helpers.teaching.questions import Question

QUESTIONS = (
    Question(
        "On your training words the personal model's likelihood starts far above the local one's. What does this show?",
        {
            "That the personal model will foretell new texts better": "The curve is about the words trained on. On "
            "documents put aside the lead of the start alone fades: the sampler forgets where it came from.",
            "That its first topics already fit your words": "That is all: a better start, and fewer iterations to the "
            "same height. Whether something is left in the end, only texts put aside can tell.",
            "Nothing: random topics start as high": "They do not: the two curves start apart and come together. The "
            "lead is real, but it is one on training words, and for some iterations.",
        },
        right="That its first topics already fit your words",
    ),
    Question(
        "A personal model is said to need 38% fewer iterations. What must you know before you believe that number?",
        {
            "The likelihood at which the two were compared": "Against an early, low target the shared start saves "
            "much, against a late, high one little or less than nothing: the saving depends on where you look.",
            "How many seconds an iteration takes": "An iteration costs both models the same, so that does not change "
            "which share of them is saved.",
            "Only that the seed was fixed": "A seed makes the number repeatable, not robust: another seed, or another "
            "target, gives another one.",
        },
        right="The likelihood at which the two were compared",
    ),
    Question(
        "Documents stay at home; a topic-word matrix made from them is published. What does it tell of the documents?",
        {
            "Nothing: it holds averages over topics": "Averages of few documents tell much about each. And one small "
            "beta, known to all, turns these probabilities back into counts.",
            "Only which words are frequent in general": "Its words are those of these documents. Of a rare name, the "
            "matrix says that it was there, and beside what.",
            "Which words they hold, and how often": "The probabilities are counts plus beta, scaled: notebook 04 takes "
            "the counts back. So a matrix of public documents may travel, and yours stays at home like they do.",
        },
        right="Which words they hold, and how often",
    ),
)
