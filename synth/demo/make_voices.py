"""Make the demo voices: ``python synth/demo/make_voices.py OUT``, by hand, once; needs espeak-ng on the PATH.

(From a checkout that is not installed: ``python -m synth.demo.make_voices OUT``.)

Ten women and ten men, each an accent and a voice of espeak-ng, heard through a vocal tract of another length. The
length is changed by telling the resampler that the sound has ``tract`` times its true rate: formants, pitch and
speed rise together, and espeak-ng is asked for as much less pitch and speed beforehand. A tilt of the spectrum
stands for a dark or a bright voice. Level and room noise say nothing about who speaks: each voice has the same
five levels, and every file the same kind and amount of noise. The tilts fall steeply because espeak-ng is
brighter than people are; a darker sound also packs into fewer bytes.

The same espeak-ng, soxr and numpy give the same files. With others, the table printed at the end and the tests in
tests/demo tell whether the voices are still distinct.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile as sf
import soxr

from synth.demo import measure
from synth.demo.measure import RATE_HZ, Floats

SENTENCES = Path(__file__).with_name("sentences.txt")
SUBSET = "demo"
LEVELS_DBFS = (-30.0, -28.75, -27.5, -26.25, -25.0)
N_UTTERANCES = len(LEVELS_DBFS)
ROOM_NOISE_DBFS = -65.0
MARGIN_S = 0.06
SHORTEST_S, LONGEST_S, LEAST_ACTIVE_S = 2.6, 5.0, 2.0
HIGHEST_PEAK = 0.97

LICENCE = """The recordings in this folder are made by a program, synth/demo/make_voices.py of the synth project, from
sentences that were written for it. No person was recorded.

To the extent possible under law, the makers of synth waive all copyright and related or neighbouring rights to these
recordings and transcripts: CC0 1.0 Universal, https://creativecommons.org/publicdomain/zero/1.0/

espeak-ng, the program that spoke the sentences, is under the GNU General Public License, version 3 or later. None of
its code or data files is in this folder.
"""
ABOUT = """Demo voices of synth: ten female and ten male synthetic speakers in the layout of LibriSpeech.

demo/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NNNN.flac      16 kHz, mono, 16 bit
demo/SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt      id and text, upper case

They are for trying things out and for tests. A model that is trained on them knows a speech synthesiser; take
recordings of people for anything else. How they were made: synth/demo/make_voices.py.
"""
CORPUS = """name = "demo-voices"
title = "20 synthetic demo voices"
licence = "CC0-1.0"
attribution = "synth demo voices, made with espeak-ng"
"""


@dataclass(frozen=True, slots=True)
class Voice:
    """What makes one speaker: ``pitch`` is espeak-ng's -p (0 to 99), ``tract`` scales all formants."""

    sex: str
    espeak: str
    pitch: int
    words_per_minute: int
    tract: float
    tilt_db_per_octave: float


# Plain British English is "en" here: espeak-ng 1.51 drops the voice after the plus sign when the accent is "en-gb".
VOICES = {
    9901: Voice("F", "en-us+f2", 50, 185, 1.02, -4.0),
    9902: Voice("M", "en-us+m3", 53, 170, 1.0, -4.5),
    9903: Voice("F", "en+f1", 37, 160, 1.08, -4.0),
    9904: Voice("M", "en+m1", 53, 160, 0.94, -2.5),
    9905: Voice("F", "en-gb-scotland+f3", 59, 180, 0.98, -4.5),
    9906: Voice("M", "en-gb-scotland+m4", 73, 165, 1.05, -5.5),
    9907: Voice("F", "en-gb-x-rp+f4", 59, 170, 0.95, -3.5),
    9908: Voice("M", "en-gb-x-rp+m2", 57, 175, 0.9, -3.5),
    9909: Voice("F", "en-us-nyc+Annie", 63, 170, 0.93, -3.0),
    9910: Voice("M", "en-us-nyc+max", 69, 170, 1.06, -2.5),
    9911: Voice("F", "en-gb-x-gbclan+f5", 47, 185, 1.06, -5.5),
    9912: Voice("M", "en-gb-x-gbclan+m5", 42, 160, 1.07, -3.0),
    9913: Voice("F", "en-029+klatt4", 95, 170, 1.18, -1.5),
    9914: Voice("M", "en-029+klatt3", 36, 175, 0.96, -1.5),
    9915: Voice("F", "en-us+linda", 60, 170, 0.98, -5.5),
    9916: Voice("M", "en-us+Gene", 77, 165, 0.9, -2.0),
    9917: Voice("F", "en-gb-x-gbcwmd+m3", 87, 160, 1.19, -2.0),
    9918: Voice("M", "en-gb-x-gbcwmd+m6", 73, 175, 1.08, -4.5),
    9919: Voice("F", "en+Andrea", 32, 115, 1.08, -2.5),
    9920: Voice("M", "en+klatt2", 33, 180, 1.08, -3.0),
}


class DemoError(Exception):
    """The voices cannot be made; the message says what to do."""


def chapter_of(speaker: int) -> int:
    """Return the chapter that a speaker reads; no two read the same."""
    return 120_000 + 37 * (speaker - 9900)


def spoken(voice: Voice, text: str) -> Floats:
    """Let espeak-ng say ``text`` and return it at 16 kHz, with the voice's vocal tract, trimmed to the speech."""
    with TemporaryDirectory() as scratch:
        wav = Path(scratch) / "said.wav"
        speed = round(voice.words_per_minute / voice.tract)
        command = ["espeak-ng", "-v", voice.espeak, "-p", str(voice.pitch), "-s", str(speed), "-w", str(wav), text]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not wav.exists():
            raise DemoError(f"espeak-ng could not say {text!r} as {voice.espeak}: {done.stderr.strip() or 'no sound'}")
        said, rate_hz = sf.read(wav, dtype="float64")
    sound = np.asarray(soxr.resample(said, rate_hz * voice.tract, RATE_HZ, quality="VHQ"))
    hop = RATE_HZ // 100
    power = np.mean(measure.frames(sound, hop, hop) ** 2, axis=1)
    loud = np.flatnonzero(power > power.max() * 1e-4)
    return sound[loud[0] * hop : (loud[-1] + 1) * hop]


def tilted(sound: Floats, tilt_db_per_octave: float) -> Floats:
    """Tilt the spectrum around 1 kHz, level below 100 Hz, with all below 50 Hz (and so any offset) removed."""
    hz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    gain = 10 ** (tilt_db_per_octave * np.log2(np.maximum(hz, 100.0) / 1000.0) / 20)
    return np.fft.irfft(np.fft.rfft(sound) * gain * np.clip((hz - 40) / 20, 0, 1), len(sound))


def room_noise(length_n: int, seed: list[int]) -> Floats:
    """Return the noise of a quiet room: as much in every file, falling by 6 dB per octave above 150 Hz, no offset."""
    hz = np.fft.rfftfreq(length_n, 1 / RATE_HZ)
    white = np.fft.rfft(np.random.default_rng(seed).standard_normal(length_n))
    noise = np.fft.irfft(white * (hz > 20) / np.hypot(1, hz / 150), length_n)
    return np.asarray(noise * 10 ** (ROOM_NOISE_DBFS / 20) / np.sqrt(np.mean(noise**2)))


def utterance(speaker: int, number: int, text: str) -> Floats:
    """Return one finished recording of ``text``: speech at its level, a margin at both ends, room noise throughout."""
    voice = VOICES[speaker]
    speech = tilted(spoken(voice, text), voice.tilt_db_per_octave)
    level_dbfs = LEVELS_DBFS[(speaker + number) % N_UTTERANCES]
    speech *= 10 ** ((level_dbfs - measure.active_level_dbfs(speech)) / 20)
    ramp = np.minimum(1.0, np.minimum(np.arange(len(speech)), np.arange(len(speech))[::-1]) / (0.005 * RATE_HZ))
    sound = np.pad(speech * ramp, round(MARGIN_S * RATE_HZ))
    sound += room_noise(len(sound), [speaker, number])
    name, peak = f"{speaker}, utterance {number} ({text!r})", float(np.abs(sound).max())
    lasts_s, active_s = len(sound) / RATE_HZ, measure.active_s(sound)
    if not SHORTEST_S <= lasts_s <= LONGEST_S or active_s < LEAST_ACTIVE_S:
        raise DemoError(
            f"voice {name} lasts {lasts_s:.2f} s with {active_s:.2f} s of speech; wanted are "
            f"{SHORTEST_S} to {LONGEST_S} s with {LEAST_ACTIVE_S} s or more: change the sentence or the voice's speed"
        )
    if peak > HIGHEST_PEAK:
        raise DemoError(f"voice {name} peaks at {peak:.2f} of full scale, allowed is {HIGHEST_PEAK}: lower LEVELS_DBFS")
    return sound


def sentences() -> list[str]:
    """Return the sentences, one a line; there must be enough for every utterance to have its own."""
    lines = SENTENCES.read_text(encoding="ascii").splitlines()
    needed = len(VOICES) * N_UTTERANCES
    if len(set(lines)) != len(lines) or len(lines) < needed:
        raise DemoError(f"{SENTENCES} has {len(set(lines))} different lines of {len(lines)}; {needed} are needed")
    return lines


def transcript(text: str) -> str:
    """Return ``text`` as LibriSpeech writes it: upper case, apostrophes but no other punctuation."""
    return " ".join(re.findall(r"[A-Z']+", text.upper()))


def write_voices(out: Path) -> None:
    """Write every recording and transcript, the tables of speakers and chapters, and the licence into ``out``."""
    texts = iter(sentences())
    speakers = [";ID  |SEX| SUBSET           |MINUTES| NAME"]
    chapters = [";ID    |READER|MINUTES| SUBSET           | PROJ.|BOOK ID| CH. TITLE | PROJECT TITLE"]
    for speaker, voice in VOICES.items():
        chapter = chapter_of(speaker)
        place = out / SUBSET / str(speaker) / str(chapter)
        place.mkdir(parents=True)
        lines, total_n = [], 0
        for number in range(N_UTTERANCES):
            text, name = next(texts), f"{speaker}-{chapter}-{number:04d}"
            sound = utterance(speaker, number, text)
            samples = np.round(sound * 32768).astype(np.int16)
            sf.write(place / f"{name}.flac", samples, RATE_HZ, subtype="PCM_16", compression_level=1.0)
            lines.append(f"{name} {transcript(text)}\n")
            total_n += len(samples)
        (place / f"{speaker}-{chapter}.trans.txt").write_text("".join(lines), encoding="ascii", newline="\n")
        minutes = f"{total_n / RATE_HZ / 60:.2f}"
        speakers.append(
            f"{speaker:<5}| {voice.sex} | {SUBSET:<17}| {minutes:<6}| Demo voice {speaker} ({voice.espeak})"
        )
        chapters.append(
            f"{chapter:<7}| {speaker:<5}| {minutes:<6}| {SUBSET:<17}| 0    | 0     | Sentences | Demo voices"
        )
    tables = {"SPEAKERS.TXT": speakers, "CHAPTERS.TXT": chapters}
    plain = {name: "\n".join(rows) + "\n" for name, rows in tables.items()}
    for name, text in {**plain, "LICENSE.TXT": LICENCE, "README.TXT": ABOUT, "corpus.toml": CORPUS}.items():
        (out / name).write_text(text, encoding="ascii", newline="\n")


def print_table(out: Path) -> None:
    """Measure what was written: pitch, brightness and length of each voice, and whether it is told from the others."""
    paths = sorted((out / SUBSET).rglob("*.flac"))
    sounds = [sf.read(path, dtype="float64")[0] for path in paths]
    voices = np.array([int(path.name.split("-")[0]) for path in paths])
    vectors = np.stack([measure.features(sound) for sound in sounds])
    half = measure.N_BANDS // 2
    guesses = measure.nearest_voice(vectors, voices)
    print("voice sex  median F0 Hz  high-low dB  seconds  known  made of")
    for speaker, voice in VOICES.items():
        mine = voices == speaker
        f0_hz = 2 ** (np.median(vectors[mine, 0]) / 12)
        bright_db = vectors[mine, 2 + half :].mean() - vectors[mine, 2 : 2 + half].mean()
        seconds = sum(len(sound) for sound, own in zip(sounds, mine, strict=True) if own) / RATE_HZ
        known = f"{np.count_nonzero(guesses[mine] == speaker)}/{np.count_nonzero(mine)}"
        print(
            f"{speaker}   {voice.sex}   {f0_hz:9.0f}     {bright_db:8.1f}   {seconds:8.1f}  {known:>5}  "
            f"{voice.espeak}, tract x{voice.tract}, tilt {voice.tilt_db_per_octave:+} dB/octave"
        )
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(
        f"{len(paths)} files, {size / 1e6:.2f} MB; known from their other utterances: {np.mean(guesses == voices):.0%}"
    )


def main(arguments: list[str]) -> None:
    """Check what is needed, write the voices, and print what they measure."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.exit("usage: python synth/demo/make_voices.py OUT     (OUT: a folder that does not exist yet)")
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng is not on the PATH; install it, e.g. with: sudo apt-get install espeak-ng")
    out = Path(arguments[0])
    if out.exists():
        sys.exit(f"{out} exists already; name a new folder, or remove it first")
    try:
        write_voices(out)
    except DemoError as error:
        sys.exit(str(error))
    print_table(out)


if __name__ == "__main__":
    main(sys.argv[1:])
