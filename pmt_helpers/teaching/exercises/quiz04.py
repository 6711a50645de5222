"""The quiz of notebook 04."""

from pmt_helpers.teaching.questions import Question

QUESTIONS = (
    Question(
        "Half of the volunteers lied about their labels. You retrain the shared model at home, on clean windows of "
        "your own. What becomes of it?",
        {
            "It stays as bad as the shared model": "Each of your windows is a true label, and the steps taken at home "
            "are the last ones: false labels of classes that you show are soon unlearnt.",
            "Most of the harm to your own activities is undone": "Your windows correct what they are about, and the "
            "personal model comes back near the one from honest volunteers. What they never show they cannot "
            "mend: a class that you did not record, or a backdoor's mark.",
            "It is as good as new, hidden backdoors included": "A backdoor answers to a mark that none of your windows "
            "bears, so none of them teaches against it. Accuracy on clean windows cannot tell whether it is still "
            "there.",
        },
        right="Most of the harm to your own activities is undone",
    ),
    Question(
        "The shared model was downloaded from the cloud anyway. Why should the personal one not go back there?",
        {
            "It tells more of its windows than the shared one does": "It has seen few windows, again and "
            "again, so its loss on them is telling; and who holds the shared model can look at what has changed. The "
            "attack measured here finds more members in it.",
            "It would be too large to upload": "It has as many weights as the shared model, which came down in a "
            "moment. What counts is what the weights know.",
            "It need not stay: only raw windows are private": "Weights are made from windows, and attacks read some of "
            "it back: that a window was trained on, from the loss; the window itself, from a single gradient.",
        },
        right="It tells more of its windows than the shared one does",
    ),
    Question(
        "A shared model is trained with an example-level epsilon of 8. What is a volunteer promised?",
        {
            "That membership attacks on it fail": "That is measured, not promised. The promise allows a factor of e to "
            "the 8th, which is thousands; that the attacks tried here find far less does not bind the next one.",
            "A bound on what all of their windows give away": "A volunteer gives many windows, alike among "
            "themselves, and the promise is about each one alone: for all together it is far weaker. Clipping by "
            "volunteer promises that, and costs more accuracy.",
            "A bound on what any single window gives away": "With that window or without it, no outcome is "
            "more than e to the 8th times as likely, delta aside. It is about one window, not the whole volunteer, and "
            "only holds if the scaler is covered as well.",
        },
        right="A bound on what any single window gives away",
    ),
)
