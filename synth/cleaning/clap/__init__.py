"""A judge that listens: CLAP, which puts sounds and sentences into one space and scores a label by their cosine."""

from synth.cleaning.clap.scorer import Scored as Scored
from synth.cleaning.clap.scorer import scored as scored
