# %% [markdown]
# # Glossary
#
# The terms of this workbook, in a sentence or two, with the notebook that explains them.
#
# - **accountant**: adds up the epsilon of all steps of a training. [05](05_privacy.ipynb)
# - **accuracy**: the share of predictions that are right. [00](00_start_here.ipynb)
# - **AUC**: the probability that a true case gets a higher score than a false one. One half is guessing, one is
#   perfect. The letters stand for *area under the curve*, the ROC curve. [05](05_privacy.ipynb)
# - **audit**: a test of a private training: from what it publishes, compute an epsilon that it cannot be below. If
#   that is more than was promised, it leaks. [05](05_privacy.ipynb)
# - **backdoor**: a mark, learnt from poison, that makes a model give one chosen answer. Without the mark the model
#   behaves as usual. [04](04_adversaries.ipynb)
# - **bits per word**: how well a model predicts words: the mean base-2 logarithm of their probability. It is negative
#   here, and closer to zero is better. [03](03_topic_models.ipynb)
# - **bootstrap**: draw as many people as there are, with replacement, and compute the mean again, many times. The
#   middle part of these means, 95 of 100, is the interval. [02](02_personal_model.ipynb)
# - **bout**: one stretch of one activity of one person, without a break. [02](02_personal_model.ipynb)
# - **canary**: a window that is added to a training only to see later whether the model tells that it was there.
#   [05](05_privacy.ipynb)
# - **class**: one of the activities that a model can answer. [00](00_start_here.ipynb)
# - **coherence**: do a topic's most probable words occur in the same documents? Zero: no more often than by chance.
#   One is the maximum. [03](03_topic_models.ipynb)
# - **cross-entropy**: the loss of a classifier: minus the logarithm of the probability that it gives to the true
#   class. [01](01_base_model.ipynb)
# - **differential privacy**: a promise: what is published would be almost as probable without any one window (or
#   person). *Epsilon* says how nearly. [05](05_privacy.ipynb)
# - **digest**: a short number computed from bytes, which changes when any of them does. [07](07_whole_system.ipynb)
# - **donor**: a volunteer whose own model is published, to help similar people. [07](07_whole_system.ipynb)
# - **DP-SGD**: training with differential privacy: clip the gradient of each window, add noise to the sum.
#   [05](05_privacy.ipynb)
# - **early stopping**: stop training when the loss on the validation windows no longer falls, and keep the weights
#   with the lowest one. [02](02_personal_model.ipynb)
# - **emulated**: run on a simulated board. Its instructions can be counted, but its seconds mean nothing.
#   [06](06_raspberry_pi.ipynb)
# - **epoch**: one pass of training through all windows. [02](02_personal_model.ipynb)
# - **epsilon**: the number in a promise of differential privacy. The smaller it is, the less anybody can learn about
#   one window or person. Above ten it promises little. [05](05_privacy.ipynb)
# - **features**: the 43 numbers computed from each window: what the network sees. [01](01_base_model.ipynb)
# - **federated averaging**: a design in which devices train at home and send their weights in each round; the cloud
#   averages them. [07](07_whole_system.ipynb)
# - **gradient**: how the loss changes with each weight. A training step moves the weights against it.
#   [01](01_base_model.ipynb)
# - **held-out**: kept away from training, and used for testing only. [03](03_topic_models.ipynb)
# - **interval**: a range that holds the true mean in 95 of 100 repetitions of the study, if nothing but chance is at
#   work. [02](02_personal_model.ipynb)
# - **iteration**: one round of the topic sampler through all words. [03](03_topic_models.ipynb)
# - **kernel**: in notebook 06: one way to program the same training (NumPy, Numba, Keras). In Jupyter: the process
#   that runs the cells. [06](06_raspberry_pi.ipynb)
# - **LDA**: latent Dirichlet allocation, the topic model of the paper. In LDA each document is a mixture of topics.
#   [03](03_topic_models.ipynb)
# - **learning rate**: how far one training step moves the weights. [01](01_base_model.ipynb)
# - **local model**: trained at home on one person's data alone, from random weights. [00](00_start_here.ipynb)
# - **log**: a text file with one record per line, which says what a training did and what it cost.
#   [06](06_raspberry_pi.ipynb)
# - **loss**: the number that training makes smaller. Here it is the cross-entropy. [01](01_base_model.ipynb)
# - **macro recall**: the mean over activities of the share that is recognised. A rare activity counts as much as a
#   frequent one. [01](01_base_model.ipynb)
# - **manifest**: what a cloud states about a model, and signs: name, version, last day, digests.
#   [07](07_whole_system.ipynb)
# - **membership inference**: an attack that asks whether a window, a person or a document was in the training data.
#   [05](05_privacy.ipynb)
# - **mirror**: a server that hands out a model and cannot sign one. [07](07_whole_system.ipynb)
# - **personal model**: the shared model, retrained at home with a person's own data. [00](00_start_here.ipynb)
# - **poison**: training data that somebody made false on purpose. [04](04_adversaries.ipynb)
# - **prior**: what a model assumes before it sees data. In notebook 03: shared topics that count like further words
#   of your own, and so never fade. [03](03_topic_models.ipynb)
# - **randomised response**: send the true label with a known probability, otherwise a random one.
#   [05](05_privacy.ipynb)
# - **release**: a version of the shared model, signed. [07](07_whole_system.ipynb)
# - **ROC curve**: the true positive rate against the false positive rate, for every threshold. [05](05_privacy.ipynb)
# - **scaler**: the mean and spread of each feature, by which features are made comparable. It comes with the shared
#   model. [01](01_base_model.ipynb)
# - **secure aggregation**: adding masks that cancel in the sum, so that a cloud sees only the sum of several people's
#   weights. [07](07_whole_system.ipynb)
# - **seed**: the number that random choices start from. The same seed gives the same choices.
#   [00](00_start_here.ipynb)
# - **shadow models**: models that an attacker trains on other data, to learn what members look like.
#   [05](05_privacy.ipynb)
# - **shared model**: trained in the cloud on the volunteers' data. [00](00_start_here.ipynb)
# - **signature**: a number that only the holder of a secret key can compute, and everybody can check.
#   [07](07_whole_system.ipynb)
# - **softmax**: turns scores of classes into probabilities that sum to one. [01](01_base_model.ipynb)
# - **split**: how windows are divided into those to train on, to validate with and to test with.
#   [01](01_base_model.ipynb)
# - **tap**: a relay that records what passes between a device and a server. [07](07_whole_system.ipynb)
# - **threat model**: a table that says who sees what, and what an attacker can do. [00](00_start_here.ipynb)
# - **token**: one occurrence of a word in a text. [03](03_topic_models.ipynb)
# - **topic**: a list of probabilities, one for each word. [03](03_topic_models.ipynb)
# - **unlearning**: removing what a model has learnt from somebody who leaves. [05](05_privacy.ipynb)
# - **validation**: testing during training, to choose when to stop or which setting to use. Never done on test data.
#   [01](01_base_model.ipynb)
# - **variational Bayes**: a way to train a topic model with expected counts in place of random draws.
#   [03](03_topic_models.ipynb)
# - **vocabulary**: the words that a topic model knows. [03](03_topic_models.ipynb)
# - **volunteers**: the people whose data train the shared model in the cloud. [00](00_start_here.ipynb)
# - **weights**: the numbers of a model that training sets. [00](00_start_here.ipynb)
# - **window**: a few seconds of a recording: the unit that gets a label. [00](00_start_here.ipynb)
