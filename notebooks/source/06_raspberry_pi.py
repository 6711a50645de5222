# %% [markdown]
# # 06 On the device
#
# So far we trained on this computer. Could a small device at home do it?
#
# **The claim this notebook tests:** a Raspberry Pi can train a personal model: time grows linearly with the samples,
# and a prediction takes milliseconds (section V-B of the paper).
#
# About 40 minutes, and 15 more for what goes further. Needs under 800 MB of memory and no network; no Pi is needed.
# Terms: [glossary](glossary.ipynb).
#
# **After this notebook you can**
# 1. read a log of what training cost, and say how its numbers were obtained;
# 2. tell set-up, interpreter and arithmetic apart, and fit a line with an interval;
# 3. predict a board that is not at hand, and say how wrong the prediction may be.
#
# > **Who measured what**
# >
# > We had no Raspberry Pi. Every number here says how it was obtained:
# >
# > - *measured* on this kind of computer;
# > - *emulated*: a Pi 3B in QEMU, which counts instructions and has no heat, cache or memory card;
# > - *digitised* from the paper's figures;
# > - *predicted*.
# >
# > We never fit one line through two of these kinds. No log leaves your computer unless you send it.

# %% tags=["parameters"]
DATASET = "watch"  # whose training curve is shown beside the logs
PERSON = None  # None: the person chosen in notebook 00
BOARD = "3b"  # or "3b-plus", "4b", "5": boards whose power was measured
SEED = 0

# %%
from pmt_helpers.teaching import preflight

preflight(DATASET, PERSON=PERSON, BOARD=(BOARD, ("3b", "3b-plus", "4b", "5")), SEED=SEED)

import json
from itertools import compress

import numpy as np
import pandas as pd
from IPython.display import display
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
    quiz,
    replay,
    reveal,
    say,
)

# %% [markdown]
# ## The answer first
# The figure shows the seconds it takes to train a personal model, by the number of its windows. The paper's Figure 7
# is grey. A *kernel* is one way to program the same training: plain NumPy, a compiled loop (Numba), or Keras. Ours are
# for a hundred passes over the data; the paper does not say how many passes its times are for. Each series has its own
# line with an interval. The scale is logarithmic; the button makes it linear.

# %% tags=["slide"]
logs = my_logs()
recorded = [log for of_origin in logs.values() for log in of_origin]
spans = figures.spans_of(recorded)
shown = figures.training_rows(spans, epochs=100)
shown = shown[shown["kernel"].isin(("numpy", "numba", "keras_fit")) | (shown["origin"] == "paper-digitised")]
origins = "measured-host", "emulated-raspi3b-icount"
ours = [line for origin in origins for line in fit_logs(logs[origin], "n_samples").values()]
say(f"R² of a straight line: ours at least {min(line.r2 for line in ours):.3f}, the paper's {paper_slope().r2:.3f}.")
figures.seconds_by_samples(shown)

# %% [markdown]
# Our kernels follow straight lines: for them the claim holds. The paper's own points follow a line less well: they
# rise fast at first and are flat at the end (press *linear*). Between two ways to do the very same arithmetic there is
# a factor of a hundred or more. What a board can do depends less on the board than on the code.
#
# ## Step 1. Read a log
# Each of these numbers comes from a text file with one record per line. A *header* says how the numbers were obtained,
# a *span* describes a piece of work, a *sample* the state of the machine each second, and the *end* closes the file.
# Here are the first lines of one.

# %%
emulated = next(log for log in logs["emulated-raspi3b-icount"] if log.header["task"] == "activity")
for line in emulated.path.read_text().splitlines()[:5]:
    say(line if len(line) <= 200 else line[:200] + " …")

# %% [markdown]
# A reader of logs must refuse what is damaged. A power cut leaves the last line half written; everything before it is
# good. A damaged line anywhere else means that something is wrong with the memory card. A log of another origin must
# not enter the same sum.
#
# **Exercise 1.** Read a log from its lines, one JSON record each. Add up `cpu_s` over the spans whose `phase` is
# `"train"`: this is the processor time spent on training. Leave out the last line if it is not a whole record. For any
# other such line raise `ValueError` with the line's number, counted from one, in its text. Raise it also when the
# header, which comes first, has another `origin` than the one asked for.


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


def on_this_log(parse):
    """the CPU seconds of the log above, whole and after a power cut."""
    lines = emulated.path.read_text().splitlines()
    cut = [*lines[:-1], lines[-1][:10]]
    for name, texts in (("whole", lines), ("after a power cut", cut)):
        say(f"{name}: {parse(texts, emulated.header['origin']):.1f} CPU seconds of training.")


check("parse-record", parse_log, use=on_this_log)

# %% [markdown]
# Now watch a computer work, second by second: Keras trains on sixty windows, one per step. Above it is what your
# personal model learns in the same steps. Press play, or move the slider with the arrow keys. What does the computer
# do before the model learns anything?

# %%
data = load_activity(DATASET)
person = my_person(DATASET, PERSON, default=5)
you = Person.of(data, person, seed=SEED)
shared = train_shared(data, exclude_user=person, seed=SEED)
personal = personalise(shared, *you.train(min(60, len(you.split.train))), epochs=200, seed=SEED)
recording = read_log(shipped("pi_logs", "replay", "measured-host-activity-keras-batch.jsonl"))
replay(recording, personal.history[["epoch", "loss"]])

# %% [markdown]
# ## Step 2. What does one more sample cost?
# The slope of the line says it, without the time for setting up. But a slope from four or five points is uncertain,
# and on a logarithmic scale the interval can hardly be seen.
#
# **Exercise 2.** Fit $\text{seconds} = a + b\,x$ by least squares, and give $b$ its $95\,\%$ interval:
#
# $$b \pm t_{n-2}\,\sqrt{\frac{\sum_i r_i^2}{(n-2)\,\sum_i (x_i - \bar{x})^2}}$$
#
# Here $r_i$ is the distance of point $i$ from the line, and $t_{n-2}$ the quantile of Student's distribution that
# leaves $2.5\,\%$ above it: `t.ppf(0.975, n - 2)`, imported from `scipy.stats`.


# %% tags=["slide"]
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


def on_a_log(line):
    """what one more window costs with Keras on this kind of computer (100 passes), with your interval."""
    rows = shown[(shown["kernel"] == "keras_fit") & (shown["origin"] == "measured-host")]
    slope, low, high = line(rows["n_samples"].to_numpy(float), rows["seconds"].to_numpy(float))
    say(f"One more window adds {1000 * slope:.0f} ms, between {1000 * low:.0f} and {1000 * high:.0f}.")


check("fit-line", fit_line, use=on_a_log)

# %% [markdown]
# The next figures are the paper's Figures 8a and 8b. They show the time of one iteration of the topic model, by the
# number of documents and by the number of words in the vocabulary.

# %%
for by in ("documents", "words"):
    rows = figures.iteration_rows(spans, by=by)
    rows = rows[rows["kernel"].isin(("numpy", "numba")) | (rows["origin"] == "paper-digitised")]
    figures.seconds_by_documents(rows, by=by).show()

# %% [markdown]
# Both grow along a line. For words this holds only if the added words are as frequent as those before: the sampler
# visits every token of the texts, not every word of the vocabulary.
#
# ## Step 3. Where does the time go?
# Three parts: setting up; the *interpreter* (with JAX and Keras also what these libraries do around each step); and
# the arithmetic itself.

# %% tags=["slide"]
prediction(
    "Keras trains one window at a time. Set-up aside, which share of its training is arithmetic, in percent, if the "
    "time of a compiled loop for the same steps is taken as the arithmetic?",
    (0, 100, 1),
    key="06-arithmetic",
)

# %% tags=["slide"]
where = time_by_phase(logs["measured-host"]).query("task == 'activity'")
where = where[where["machine"] == where["machine"].iloc[0]]
keras = where.set_index("kernel").loc["keras_fit"]
reveal("06-arithmetic", 100 * keras["arithmetic"] / (keras["arithmetic"] + keras["interpreter"]), digits=1)
figures.where_time_goes(where)

# %% [markdown]
# Instructions, counted on the processor of an emulated Pi, need no clock. How many does one step take, and how many are
# spent before the first step? (`keras_batch` is Keras' `train_on_batch`; a *G* is a billion.)

# %%
counted = instructions().set_index(["task", "kernel"])
of_step = counted[["per_update"]].assign(setup_G=counted["setup_instructions"] / 1e9)
compiled = counted["per_update"].xs("numba", level="kernel")
of_step["times_compiled"] = counted["per_update"] / compiled.reindex(counted.index.get_level_values("task")).to_numpy()
of_step.sort_values(["task", "per_update"]).round({"setup_G": 1, "times_compiled": 1})

# %% [markdown]
# All kernels compute the same thing. The compiled loop pays once, before the first step; a library pays at every step.
#
# ## Step 4. Predict a board
# No Pi Zero at hand? Its time can be predicted. Setting up is done once, an update as often as there are updates, and
# the instructions of both have been counted. How fast a board runs instructions is known only roughly, so the
# prediction is a band. For example, 1 billion instructions at a rate of half a billion per second take 2 seconds; with
# a band of 2 the ends are 1 and 4 seconds. The board below gets that band: libraries and set-up are that uncertain.
#
# For Keras' `fit` and for the compiled loop, set-up still takes most of a hundred passes over sixty windows.
#
# **Exercise 3.** Predict the seconds, and the two ends of the band: divided by the factor `band`, and multiplied by
# it.


# %% tags=["slide"]
def predict(instructions, updates, setup, rate, band):
    """instructions: of one update; setup: instructions of set-up; rate: billions of instructions per second.

    Returns seconds, and the lower and the upper end of their band.
    """
    ### BEGIN SOLUTION
    total = setup + updates * instructions
    seconds = total / (rate * 1e9)
    return seconds, seconds / band, seconds * band
    ### END SOLUTION


def for_a_zero(predict):
    """your prediction for a Pi Zero 2 W: Keras and a compiled loop, 60 windows, 100 epochs."""
    counted = instructions().set_index(["task", "kernel"])
    for kernel in ("keras_fit", "numba"):
        row = counted.loc["activity", kernel]
        seconds, low, high = predict(row["per_update"], 60 * 100, row["setup_instructions"], 0.83, 2.0)
        say(f"{kernel}: {seconds:.0f} seconds, set-up included, between {low:.0f} and {high:.0f}.")


check("predict-zero", predict, use=for_a_zero)

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
# With few passes the kernel that starts quickly wins, with many the one that runs quickly. Move the slider to see
# where they change places.
#
# How far can you trust this? The instructions were counted in one process at a time. The emulated board booted a whole
# system with another version of NumPy, and its logs were used for none of the counts. So we predict those logs, and
# compare.

# %% tags=["slide"]
for log in logs["emulated-raspi3b-icount"]:
    for kernel in log.spans["kernel"].dropna().unique():
        guess = predict_log("emulated-raspi3b", log, str(kernel), task=log.header["task"])
        say(f"{log.header['task']}, {kernel}: {score_prediction(guess, log)}")

# %% [markdown]
# An emulated board has no heat, no cache and no memory card. A real one has, and sometimes a bad power cable.
#
# ## Break it: one line from two origins
# Seconds of this computer and of an emulated board are two experiments. What happens if you put them into one line?

# %% tags=["slide"]
try:
    series([*logs["measured-host"], *logs["emulated-raspi3b-icount"]], "measured-host")
except ValueError as refused:
    say(f"Refused: {str(refused)[:200]}...")
say("One line through both would have had a slope, and the slope of neither.")

# %% [markdown]
# ## What the paper says, and what we measured

# %%
display(claims_table(notebook="06"))
quiz("06")

# %% [markdown]
# **Take-aways.** Time is a straight line in the data, and its slope depends on the code. Before the first step,
# libraries spend the time of thousands of steps. A prediction is a band, not a number.
#
# **Limits.** No Pi was measured. Emulation counts instructions; the rates that turn them into seconds are estimates;
# and powers are other people's measurements.
#
# **Next:** [07 The whole system](07_whole_system.ipynb): a cloud, many devices, and what passes between them.
#
# ## Going further: memory, latency, energy (6 minutes)
# A Pi Zero 2 W has 512 MB for everything. (Some logs were recorded under just this limit. Their memory counts; their
# seconds do not.) And how long does a trained model take to say what one window is? The paper says *milliseconds*.

# %%
memory = memory_by_kernel(log for origin in logs if origin != "paper-digitised" for log in logs[origin])
figures.memory_by_kernel(memory.query("task == 'activity'")).show()
rows = spans[spans["phase"] == "inference"]
figures.latency(rows[["origin", "machine", "kernel", "latency_ms_median", "latency_ms_p99"]])

# %% tags=["slide"]
prediction(
    "Training on 160 windows at home, a hundred passes, or uploading them by Wi-Fi: which takes less energy?",
    ["training", "uploading", "it depends on the code"],
    key="06-energy",
)

# %% tags=["slide"]
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

# %% [markdown]
# ## Going further: what the paper's numbers cannot tell (1 minute)
# The paper gives the time of an iteration twice: in its Figure 8a, and in 8c and 8d together. They differ. And the
# time per window in Figure 7 fits any kernel, for some number of passes, and the paper does not state that number:

# %%
both = seconds_per_iteration()
say(f"An iteration over 200 documents: {both.figure_8a:.1f} s (8a), or {both.figure_8cd:.1f} s (8c and 8d).")
say(f"One more window: {1000 * paper_slope().slope:.0f} ms. On the paper's board, a Pi 3B, these passes take as long:")
implied_epochs("3b").round().set_index("kernel").astype(int)

# %% [markdown]
# ## Going further: is the board healthy? (5 minutes)
# A Pi with a weak power supply, or in the sun, slows itself down, and reports this in one number. If you read times
# without it, you may be measuring a power cable.
#
# **Exercise 4.** Decode that number. Its bits are counted from the lowest one, bit 0:
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


def on_readings(throttled):
    """what the number 327685, which Pis with a thin power cable report, says by your function; then your own logs'."""
    names = "under-voltage", "frequency capped", "throttled", "too warm"
    readings = [("327685", 327685)]
    for log in logs.get("measured-pi", ()):
        readings += [(log.path.name, int(value)) for value in log.samples["throttled"].dropna().unique()]
    for name, value in readings:
        now, since = (", ".join(compress(names, half)) or "healthy" for half in throttled(value))
        say(f"{name}: now {now}; since the start {since}.")


check("throttle-bits", throttled, use=on_readings)

# %% [markdown]
# ## Going further: record your own (1 minute, with a Pi)
# On a Pi (any model, Python 3.9 or newer, NumPy) you need one file. This command writes it:
#
# ```
# python -m pmt_helpers profile --export pi_profile.py
# ```
#
# Then run `python3 pi_profile.py --task activity --out measured-pi-MODEL.jsonl`, and the same with `--task topics`.
# The log holds the board's model, readings of its sensors, and times; it holds no name, address or file of yours.
# Upload it with the button below (or put it into `data/pi_logs`), and every figure gets a new line. CONTRIBUTING.md
# says how to send it to the workbook.
#
# On this computer, with the whole workbook: `python -m pmt_helpers profile --task activity --out log.jsonl`. Do you
# have a USB meter that writes a table of time, volts and amps? `read_meter` and `with_power` of `pmt_helpers.device`
# put it beside a log, and give each span its energy in joules.

# %%
own_log()
