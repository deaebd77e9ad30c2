"""Decode, encode, resample, measure and cache samples."""
