"""Topic models at home: a Gibbs sampler for LDA, shared, local and personal topics, and how well they foretell.

Names are loaded on first use (PEP 562), so that reading counts does not wait for Numba.
"""

from pmt_helpers.lazy import lazy

_HOME = {
    "GibbsLDA": "gibbs",
    "Fit": "gibbs",
    "fit_many": "gibbs",
    "Topics": "personal",
    "TopicModel": "personal",
    "train_shared_topics": "personal",
    "train_local_topics": "personal",
    "personalise_topics": "personal",
    "held_out_bits": "evaluation",
    "infer_theta": "evaluation",
    "split_tokens": "evaluation",
    "Plan": "dealing",
    "split_documents": "dealing",
    "put_aside": "dealing",
    "figure_4": "protocol",
    "figure_5": "protocol",
    "held_out_curve": "protocol",
    "over_seeds": "protocol",
    "iterations_to_reach": "protocol",
    "figure_6": "one_topic",
    "figure_8": "iteration_cost",
    "choose_weight": "prior_weight",
    "stored_topics": "grids",
    "fit_variational": "variational",
    "VariationalModel": "variational",
    "corrected_bound_bits": "variational_bound",
    "gensim_dictionary": "gensim_input",
    "topic_coherence": "coherence",
    "compared_words": "coherence",
    "save_topics": "storage",
    "load_topics": "storage",
    "StoredTopics": "storage",
}
__all__, __getattr__, __dir__ = lazy(__name__, _HOME)
