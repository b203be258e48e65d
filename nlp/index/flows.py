"""ETF flows in two parts, told by the amounts: what was reported, and what is expected.

A story belongs to a part of an asset when it states a net flow of that asset, realised or not; its
stance there is the sign of the flow. So the part of BTC holds neither ETH's flows nor filings, fees
or launches, which the driver as a whole does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nlp.index.effects import OutletEffects, shrunken_deviations
from nlp.index.stated import FLOW_DRIVER
from nlp.index.stories import Booleans, StoryTable

PARTS = (f"{FLOW_DRIVER}.realised", f"{FLOW_DRIVER}.expected")


def with_parts(
    stories: StoryTable,
    effects: OutletEffects,
    *,
    universe: int,
    driver: int,
    base: Booleans,
) -> tuple[StoryTable, OutletEffects]:
    """The table and the effects with a column more for each part, for one universe.

    ``universe`` is 0 for all assets or the asset's number from 1 on, ``driver`` the column of ETF
    flows, ``base`` the stories of the base window. Outlets have no usual stance here: a flow's sign
    is a fact.
    """
    columns = len(PARTS)
    width = stories.flows.shape[1] // columns
    signs = stories.flows[:, [part * width + universe for part in range(columns)]]
    told = np.isfinite(signs)
    chance = np.where(told, stories.probability[:, [driver]], 0.0)
    tagged = told & stories.tagged[:, [driver]]
    extended = replace(
        stories,
        probability=np.hstack([stories.probability, chance]),
        tagged=np.hstack([stories.tagged, tagged]),
        stance=np.hstack([stories.stance, np.where(tagged, np.nan_to_num(signs), 0.0)]),
    )
    outlets = len(stories.outlets)
    usual = [
        shrunken_deviations(chance[base, part], stories.outlet[base], outlets)
        for part in range(columns)
    ]
    return extended, OutletEffects(
        probability=np.column_stack([effects.probability, *usual]),
        stance=np.hstack([effects.stance, np.zeros((outlets, columns))]),
    )
