"""A believable company for those who look around: a year of a food company, made by a seeded program.

Everything goes through the same calls as users' data, each step by the person whose work it is. Two plants
make bean and bakery goods, a central warehouse supplies eight shops and wholesale customers; there are
partial deliveries, returns, purchases in dollars and euros, seasons, quotations that are lost, counts with
differences, a customer who does not pay, and a shortage.

    load(site, months=12)      # the site is new; ends on the site's own yesterday
"""

from anlan.packs.demo.story import load

__all__ = ["load"]
