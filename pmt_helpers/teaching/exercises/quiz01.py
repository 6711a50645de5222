"""The quiz of notebook 01."""

from pmt_helpers.teaching.questions import Question

QUESTIONS = (
    Question(
        "Validation windows drawn at random from everybody's give a higher accuracy than an unseen person gets. Why?",
        {
            "The network saw other windows of the same people": "It learnt how those people move, and validation asked "
            "about those people again. An unseen person has no windows in training.",
            "Validation has more windows, so its accuracy is higher": "More windows make an accuracy more certain, not "
            "higher.",
            "Random windows are easier than others": "Drawn at random, they are as easy or hard as the rest.",
        },
        right="The network saw other windows of the same people",
    ),
    Question(
        "The mean and the spread used to scale the features must come from ...",
        {
            "all the windows, the unseen person's too": "Then the test person has already shaped what the network "
            "sees: a leak, if a small one.",
            "the training windows alone": "Whatever is computed from data is part of training. The unseen person's "
            "windows are scaled with numbers that existed before that person came.",
            "the unseen person's windows alone": "Those are not at hand when the shared model is made. It could be "
            "done later, at home, but that would be a different method.",
        },
        right="the training windows alone",
    ),
    Question(
        "Why report accuracy person by person, with one dot each?",
        {
            "Because a mean over all windows is always wrong": "It is not wrong; it answers another question, and "
            "gives people with many windows more weight.",
            "Because there are more windows that way": "The windows are the same ones.",
            "Because the question is what a new person will get": "People differ more than windows do. The spread over "
            "people says how much luck a newcomer needs.",
        },
        right="Because the question is what a new person will get",
    ),
)
