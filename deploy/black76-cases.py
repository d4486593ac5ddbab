#!/usr/bin/env python3
"""Writes random Black-76 cases with exact prices, computed with mpmath at 40 digits.

usage: black76-cases.py SEED COUNT > cases.csv     (about 4,000 cases a second)

A line is forward,strike,total volatility (Q56),call price in 1e-12 of 1e-6 USD. Forwards run from 10 to 150,000 USD,
total volatilities from 0.005 to 5 (log-uniform), strikes are log-normal around the forward.
"""
import random
import sys

from mpmath import mp, mpf

mp.dps = 40
seed, count = int(sys.argv[1]), int(sys.argv[2])
draw = random.Random(seed)
one = mpf(2) ** 56
for _ in range(count):
    forward = int(1e7 * 15_000 ** draw.random())
    total = int(0.005 * 1_000 ** draw.random() * 2**56)
    s = mpf(total) / one
    strike = max(1, int(forward * float(mp.exp(draw.gauss(0, 1) * float(s) * 2))))
    if strike >= 2**56:
        continue
    d1 = mp.log(mpf(forward) / strike) / s + s / 2
    price = forward * mp.ncdf(d1) - strike * mp.ncdf(d1 - s)
    print(f"{forward},{strike},{total},{int(mp.nint(price * 10**12))}")
