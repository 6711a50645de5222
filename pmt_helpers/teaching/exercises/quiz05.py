"""The quiz of notebook 05."""

from pmt_helpers.teaching.questions import Question

QUESTIONS = (
    Question(
        "Keras trains one window a step and is slow on a Pi. Which change makes the training itself much faster?",
        {
            "A better power supply": "It helps a board that throttles, which the bits in a log would show. A healthy "
            "one gains nothing: what takes the time is the code between two steps.",
            "The same steps in a compiled loop": "A step is some thousands of multiplications. What surrounds each one "
            "in Python costs far more, and a loop that is compiled as a whole leaves that out.",
            "Fewer hidden units": "The arithmetic would shrink, but it is the small part: the calls around each step "
            "stay as they are.",
        },
        right="The same steps in a compiled loop",
    ),
    Question(
        "An emulated board counts one nanosecond an instruction. What can its log tell you?",
        {
            "Which of two kernels needs fewer instructions": "That is what it counts, and it does so the same way "
            "each time. How fast a real board works through them has to come from somewhere else.",
            "How hot a real Pi gets while training": "Nothing in an emulation gets hot. Temperature, throttling and "
            "the memory card are left out, which is why its log has no such readings.",
            "How many seconds a Pi 3B takes": "Only as far as a rate of one instruction a nanosecond is true of it. "
            "Caches and memory are not emulated, so it is a prediction with a band.",
        },
        right="Which of two kernels needs fewer instructions",
    ),
    Question(
        "Sending the raw windows over Wi-Fi may take less energy than training. Why train at home?",
        {
            "Because training is free once the Pi is on": "What an idle board draws is spent anyway, but a busy core "
            "draws more than an idle one, and that can still exceed a short upload.",
            "Because the windows then stay with their owner": "Energy is not the argument, and the numbers do not have "
            "to be bent to make it one. What is never sent cannot be kept, leaked or asked for.",
            "Because uploads hardly ever get through": "These windows are a few hundred kilobytes, which any link can "
            "carry. That it is so easy is rather the trouble.",
        },
        right="Because the windows then stay with their owner",
    ),
)
