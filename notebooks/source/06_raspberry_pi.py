# %% [markdown]
# # 06 On the device
#
# **The claim this notebook tests:** a Raspberry Pi can train a personal model: time grows linearly with the samples, a
# prediction takes milliseconds (section V-B of the paper).
#
# About 30 to 45 minutes. Needs under 800 MB of memory and no network; a Pi is welcome, and not needed.
#
# **After this notebook you can**
# 1. read a log of what training cost, and say how its numbers were obtained;
# 2. tell set-up, interpreter and arithmetic apart, and fit a line with an interval;
# 3. predict a board that is not at hand, and say how wrong the prediction may be.
#
# > **Who measured what**
# >
# > We had no Raspberry Pi. Every number here says how it was obtained: *measured* on this kind of computer, *emulated*
# > (a Pi 3B in QEMU, which counts instructions and knows no heat, cache or memory card), *digitised* from the paper's
# > figures, or *predicted*. Two of these are never one line. No log leaves your computer unless you send it.

# %% tags=["parameters"]
DATASET = "watch"  # whose training curve is shown beside the logs
PERSON = None  # None: the person chosen in notebook 00
BOARD = "3b"  # or "zero-2w", "3b-plus", "4b", "5"
SEED = 0

# %%
import json

import numpy as np
import pandas as pd
from scipy.stats import t

from pmt_helpers.activity import Person, personalise, train_shared
from pmt_helpers.datasets import load_activity, shipped
from pmt_helpers.device import (
    compare_energy,
    fit_logs,
    forecast,
    implied_epochs,
    instructions,
    memory_by_kernel,
    paper_slope,
    predict_log,
    read_log,
    score_prediction,
    seconds_per_iteration,
    series,
    time_by_phase,
)
from pmt_helpers.teaching import (
    check,
    claims_table,
    explore,
    figures,
    my_logs,
    my_person,
    own_log,
    prediction,
    preflight,
    quiz,
    replay,
    reveal,
    say,
)

preflight(DATASET)

# %% [markdown]
# ## The answer first
# Seconds to train a personal model, against the number of its windows: the paper's Figure 7 in grey, and our kernels
# in colour, for a hundred passes over the data (the paper does not say how many its times are for). Each series has a
# line of its own with its interval; the scale is logarithmic, and the button makes it linear.

# %%
logs = my_logs()
recorded = [log for origin in ("measured-host", "emulated-raspi3b-icount", "paper-digitised") for log in logs[origin]]
spans = figures.spans_of(recorded)
shown = figures.training_rows(spans, epochs=100)
shown = shown[shown["kernel"].isin(("numpy", "numba", "keras_fit")) | (shown["origin"] == "paper-digitised")]
origins = "measured-host", "emulated-raspi3b-icount"
ours = [line for origin in origins for line in fit_logs(logs[origin], "n_samples").values()]
say(f"R² of a straight line: ours at least {min(line.r2 for line in ours):.3f}, the paper's {paper_slope().r2:.3f}.")
figures.seconds_by_samples(shown)

# %% [markdown]
# Our kernels follow straight lines: for them the claim holds. The paper's own points follow one less well: they are
# steep at first and flat in the end. And between two ways of doing the very same arithmetic lies a factor of a hundred
# or more. What a board can do is less a question of the board than of the code.
#
# ## Step 1. Read a log
# Each of these numbers comes from a text file, one record a line: a *header* that says how they were obtained, a
# *span* for each piece of work, a *sample* of the machine each second, an *end*. Here are the first lines of one.

# %%
emulated = next(log for log in logs["emulated-raspi3b-icount"] if log.header["task"] == "activity")
for line in emulated.path.read_text().splitlines()[:5]:
    say(line[:200])

# %% [markdown]
# A log is only worth what its reader refuses. A power cut leaves the last line half written; everything before it is
# good. A line that is damaged anywhere else means that something is wrong with the card, and a log of another origin
# has no place in the same sum.
#
# **Exercise 1.** Read a log from its lines, one JSON record each. Add up `cpu_s` over the spans whose `phase` is
# `"train"`: what the processor spent on training, whatever else the machine did. Leave out the last line if it is no
# whole record; for any other such line raise `ValueError`, with the line's number, counted from one, in its text.
# Raise it as well when the header, which comes first, has another `origin` than the one asked for.


# %%
def parse_log(lines, origin):
    """lines: texts of one record each, the header first; origin: such as "measured-pi". Returns CPU seconds."""
    ### BEGIN SOLUTION
    seconds = 0.0
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError:
            if number == len(lines):
                break
            raise ValueError(f"line {number} is damaged") from None
        if number == 1 and record["origin"] != origin:
            raise ValueError(f"the log is of {record['origin']}")
        if record.get("phase") == "train":
            seconds += record["cpu_s"]
    return seconds
    ### END SOLUTION


check("parse-record", parse_log)

# %% [markdown]
# The workbook's own reader does this for every field, and refuses what it cannot vouch for. A log of your own joins
# the others through this button (or drop the file into `data/pi_logs`); how to record one stands at the end.

# %%
own_log()

# %% [markdown]
# Now watch a computer work, second by second: Keras trains on sixty windows, one a step, and above it stands what your
# personal model learns in the same steps. Press play, or move the slider with the arrow keys. What does it do before
# it learns anything?

# %%
data = load_activity(DATASET)
person = PERSON or my_person(DATASET, default=5)
you = Person.of(data, person, seed=SEED)
shared = train_shared(data, exclude_user=person, seed=SEED)
personal = personalise(shared, *you.train(60), epochs=200, seed=SEED)
recording = read_log(shipped("pi_logs", "replay", "measured-host-activity-keras-batch.jsonl"))
replay(recording, personal.history[["epoch", "loss"]])

# %% [markdown]
# ## Step 2. What does one more sample cost?
# What does one more sample cost? The slope of a line says it, without the time that setting up takes. A slope from
# four or five points is a guess, though, and looks as sure on a figure as one from a thousand.
#
# **Exercise 2.** Fit $\text{seconds} = a + b\,x$ by least squares, and give $b$ its $95\,\%$ interval:
#
# $$b \pm t_{n-2}\,\sqrt{\frac{\sum_i r_i^2}{(n-2)\,\sum_i (x_i - \bar{x})^2}}$$
#
# with $r_i$ what the line leaves over at point $i$. From `scipy.stats`, `t` is at hand.


# %%
def fit_line(x, seconds):
    """x, seconds (n,): sizes, and what each took. Returns the slope, and the lower and upper end of its interval."""
    ### BEGIN SOLUTION
    n = len(x)
    dx, dy = x - x.mean(), seconds - seconds.mean()
    slope = (dx * dy).sum() / (dx**2).sum()
    residuals = dy - slope * dx
    variance = (residuals**2).sum() / (n - 2)
    half = t.ppf(0.975, n - 2) * np.sqrt(variance / (dx**2).sum())
    return slope, slope - half, slope + half
    ### END SOLUTION


check("fit-line", fit_line)

# %%
for by in ("documents", "words"):
    rows = figures.iteration_rows(spans, by=by)
    rows = rows[rows["kernel"].isin(("numpy", "numba")) | (rows["origin"] == "paper-digitised")]
    figures.seconds_by_documents(rows, by=by).show()

# %% [markdown]
# Figures 8a and 8b of the paper: an iteration of the topic model takes longer with the documents, and with the words,
# along a line again. (With the words only if those that are added are as frequent as those before: the sampler visits
# every token, not every word.)
#
# ## Step 3. Where does the time go?
# Setting up, then the *interpreter* (with JAX and Keras also what these libraries do around each step), then the
# arithmetic itself.

# %%
prediction(
    "Keras trains one window at a time. Which share of its training is arithmetic, in percent, if the time of a "
    "compiled loop for the same steps is taken as the arithmetic?",
    (0, 100, 1),
    key="06-arithmetic",
)

# %%
where = time_by_phase(logs["measured-host"]).query("task == 'activity'")
keras = where.set_index("kernel").loc["keras_fit"]
reveal("06-arithmetic", round(100 * keras["arithmetic"] / (keras["arithmetic"] + keras["interpreter"]), 1))
figures.where_time_goes(where, share=True)

# %% [markdown]
# Instructions, counted on an emulated Pi's processor, say the same without any clock: how many does one step take, and
# how many are spent before the first? (`keras_batch` is `train_on_batch`; a *G* is a billion.)

# %%
counted = instructions().set_index(["task", "kernel"])
of_step = counted[["per_update"]].assign(setup_G=counted["setup_instructions"] / 1e9)
compiled = counted["per_update"].xs("numba", level="kernel")
of_step["times_compiled"] = counted["per_update"] / compiled.reindex(counted.index.get_level_values("task")).to_numpy()
of_step.sort_values(["task", "per_update"]).round({"setup_G": 1, "times_compiled": 1})

# %% [markdown]
# All of them compute the same thing. The compiled loop pays before the first step, a library at every step.
#
# ## Step 4. Predict a board
# No Pi Zero at hand? Its time can be foretold: setting up is done once, an update as often as there are updates, and
# both are instructions that have been counted. What a board makes of an instruction is known only roughly, so that a
# prediction is a band.
#
# **Exercise 3.** Predict the seconds, and the ends of their band: the factor `band` down, and the same factor up.


# %%
def predict(instructions, updates, setup, rate, band):
    """instructions: of one update; setup: instructions of set-up; rate: billions of instructions per second.

    Returns seconds, and the lower and the upper end of their band.
    """
    ### BEGIN SOLUTION
    total = setup + updates * instructions
    seconds = total / (rate * 1e9)
    return seconds, seconds / band, seconds * band
    ### END SOLUTION


check("predict-zero", predict)

# %%
passes = (30, 300, 3000, 30_000)
kernels = ("numpy", "numba", "keras_fit")
explore(
    pd.concat([forecast(kernels, 60 * many).assign(passes=many) for many in passes]),
    by="passes",
    draw=lambda rows: figures.predicted_and_measured(rows, title="Sixty windows, predicted"),
    description="passes over the data",
    start=300,
    label="{:,}".format,
)

# %% [markdown]
# With few passes the kernel wins that starts quickly, with many the one that runs quickly; move the slider to see
# where they change places.
#
# How far can this be trusted? The counts were made process by process; the emulated board booted a whole system, with
# another version of NumPy, and its logs were used for none of them. So predict those logs, and be scored.

# %%
for log in logs["emulated-raspi3b-icount"]:
    for kernel in log.spans["kernel"].dropna().unique():
        guess = predict_log("emulated-raspi3b", log, str(kernel), task=log.header["task"])
        say(f"{log.header['task']}, {kernel}: {score_prediction(guess, log)}")

# %% [markdown]
# An emulated board has no heat, no cache and no memory card. A real one has, and a bad cable besides.
#
# A Pi on a weak supply, or in the sun, slows itself down, and says so in one number. Whoever reads times without it
# may be measuring a power cable.
#
# **Exercise 4.** Decode that number. Its bits are counted from the lowest, which is bit 0:
#
# | trouble | now | since the start |
# |---|---|---|
# | under-voltage | bit 0 | bit 16 |
# | frequency capped | bit 1 | bit 17 |
# | throttled | bit 2 | bit 18 |
# | soft temperature limit | bit 3 | bit 19 |


# %%
def throttled(value):
    """value: a whole number. Returns two lists of four truths, in the table's order: now, and since the start."""
    ### BEGIN SOLUTION
    now = [bool(value >> bit & 1) for bit in range(4)]
    since = [bool(value >> bit & 1) for bit in range(16, 20)]
    return now, since
    ### END SOLUTION


check("throttle-bits", throttled)

# %% [markdown]
# ## Step 5. Does it fit, is it quick, what does it drink?
# A Pi Zero 2 W has 512 MB for everything. (Some logs were recorded under just that limit; their seconds mean nothing,
# their memory does.) And once trained, how long does it take to say what one window is? The paper says *milliseconds*.

# %%
memory = memory_by_kernel(log for origin in logs if origin != "paper-digitised" for log in logs[origin])
figures.memory_by_kernel(memory.query("task == 'activity'")).show()
rows = spans[spans["phase"] == "inference"]
figures.latency(rows[["origin", "kernel", "latency_ms_median", "latency_ms_p99"]])

# %%
prediction(
    "Training on 160 windows at home, a hundred passes, or uploading them by Wi-Fi: which takes less energy?",
    ["training", "uploading", "it depends on the code"],
    key="06-energy",
)

# %%
joules = compare_energy(BOARD, windows=160, epochs=100)
wifi = joules.set_index("what").loc["upload by Wi-Fi"]
above_idle = joules["above_idle"].dropna()
less, more = (above_idle < wifi["high"]).any(), (above_idle > wifi["high"]).any()
reveal("06-energy", "it depends on the code" if less and more else "training" if less else "uploading")
figures.energy(joules)

# %% [markdown]
# These are predicted seconds of the board, set-up included, and published powers. A loop that starts quickly may train
# for less energy than an upload by Wi-Fi takes; a library's set-up alone takes more. Fewer passes cost less, more
# passes cost more, and a slow mobile link costs more than either. So energy decides nothing by itself. The argument
# for training at home is privacy: data that is never sent cannot be stored, leaked or demanded.
#
# The radios are those of phones of the paper's time. 4G, 5G and today's Wi-Fi are missing: we found no measurement of
# a small upload that we could check. Huang and others (2012) found that phones spent even more energy with 4G than
# with 3G, mainly because the radio stays on for seconds after each transfer; Narayanan and others (2021) measured 5G.
#
# ## Step 6. What the paper's numbers cannot tell
# Its Figure 8a says what an iteration takes, and so do 8c and 8d together. And Figure 7's time a window agrees with
# any kernel, for some number of passes, which the paper does not state:

# %%
both = seconds_per_iteration()
say(f"An iteration over 200 documents: {both.figure_8a:.1f} s (8a), or {both.figure_8cd:.1f} s (8c and 8d).")
say(f"A window more: {1000 * paper_slope().slope:.0f} ms. On a Pi 3B, the paper's board, that is so many passes:")
implied_epochs("3b").round().set_index("kernel").astype(int)

# %% [markdown]
# ## Break it: one line from two origins
# Seconds of this computer and of an emulated board are not one experiment. What happens to one who mixes them?

# %%
try:
    series([*logs["measured-host"], *logs["emulated-raspi3b-icount"]], "measured-host")
except ValueError as refused:
    say(f"Refused: {str(refused)[:200]}...")

# %% [markdown]
# ## Record your own
# On a Pi (any model, Python 3.9 or newer, NumPy): copy the one file that
#
# ```
# python -m pmt_helpers profile --export pi_profile.py
# ```
#
# writes, and run `python3 pi_profile.py --task activity --out measured-pi-MODEL.jsonl`, then the same with `--task
# topics`. The log holds the board's model, readings of its sensors, and times; no name, address or file of yours.
# Upload it above, and every figure has a new line. Want it in the workbook? CONTRIBUTING.md says how to send it.
#
# On this computer, with the whole workbook: `python -m pmt_helpers profile --task activity --out log.jsonl`. Have you
# a USB meter that writes a table of time, volts and amps? `read_meter` and `with_power` of `pmt_helpers.device` lay it
# beside a log, and give each span its joules.
#
# ## What the paper says, and what we measured

# %%
claims_table(notebook="06")

# %%
quiz("06")

# %% [markdown]
# **Take-aways.** Time is a straight line in the data, and its slope is the code's. Before the first step, libraries
# have spent the time of thousands. A prediction is a band. Which takes less energy, training or uploading, depends on
# the code and the link; the argument for training at home is privacy.
#
# **Limits.** No Pi was measured. Emulation counts instructions, the rates that turn them into seconds are estimates,
# and powers are other people's measurements.
#
# **This is the last notebook.** What would you measure next?
