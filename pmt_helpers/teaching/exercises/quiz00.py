"""The quiz of notebook 00."""

from pmt_helpers.teaching.questions import Question

QUESTIONS = (
    Question(
        "You trained a personal model on your own device. What has left the device?",
        {
            "My windows, without my name": "Windows are what the method keeps at home. A name is not the only thing "
            "that tells who you are: the way you move does too.",
            "My weights": "Other methods send weights. Here the personal weights stay: they are trained at home and "
            "used at home.",
            "Nothing": "The shared model comes to you, and nothing goes back. Notebook 04 asks what a model could give "
            "away if you shared it after all.",
        },
        right="Nothing",
    ),
    Question(
        "The shared model has 70% accuracy over all people. What will it have for you?",
        {
            "70%": "That is the average. People differ by far more than a few points: see the first figure of "
            "notebook 01.",
            "Anything from far below to far above it": "An average hides its spread: some people move as the "
            "volunteers did, others do not.",
            "More than 70%, once the average is high": "A high average still leaves people for whom the model fails.",
        },
        right="Anything from far below to far above it",
    ),
    Question(
        "A check says 'Not yet'. What now?",
        {
            "The notebook is broken, start over": "Nothing is broken: no later cell needs your answer, so you can go "
            "on and come back.",
            "Read what it says, change the cell, run it again": "As often as you like. If you are stuck, the three "
            "hints below the verdict open one after the other.",
            "Wait until it says 'Right'": "A check looks only when you run its cell.",
        },
        right="Read what it says, change the cell, run it again",
    ),
)
