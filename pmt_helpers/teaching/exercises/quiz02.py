"""The quiz of notebook 02."""

from pmt_helpers.teaching.questions import Question

QUESTIONS = (
    Question(
        "Your labelled windows are all of walking and jogging. After retraining, the model fails when you sit. Why?",
        {
            "It was trained for too few epochs": "More epochs on the same windows push further in the same direction: "
            "what is not among them is never corrected.",
            "The shared model did not know sitting either": "It did: volunteers sat. That knowledge was in the weights "
            "which the retraining has moved.",
            "Every step raised the classes shown, none held the rest": "Each step lowers the score of all the classes "
            "that a window does not show. With no window of sitting, nothing pulls it up again: the network forgets.",
        },
        right="Every step raised the classes shown, none held the rest",
    ),
    Question(
        "A personal model is tested on random windows of the recordings that it was trained on. What does this test?",
        {
            "How it does on the same recordings, known in part": "Neighbouring windows share readings, and a movement "
            "goes on for minutes: the test holds near copies of what was learnt.",
            "How it will do tomorrow": "Tomorrow is another recording. For that, put whole recordings or bouts aside, "
            "and the gain often shrinks.",
            "How it does on other people": "For that, whole people must be put aside, as when the shared model was "
            "tested.",
        },
        right="How it does on the same recordings, known in part",
    ),
    Question(
        "Over all people the mean gain is positive. What else do you need before you offer retraining to everybody?",
        {
            "Nothing: a positive mean is a gain for everybody": "A mean can be positive while many people lose: a few "
            "large gains outweigh them.",
            "The gain's paired interval, and how many are harmed": "The interval says whether the mean could be the "
            "luck of who took part; the count says how many lose by it. Those had better keep the shared model.",
            "Each model's accuracy with its own interval": "Those intervals are wide because people differ. Both "
            "models met the same people: look at each person's difference.",
        },
        right="The gain's paired interval, and how many are harmed",
    ),
)
