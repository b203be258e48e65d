"""Word classes of the amount grammar, all in lower case."""

from __future__ import annotations

from functools import cache

from nlp.entities_gazetteer import entries
from nlp.readable import word_set

# Words that say nothing between a figure and its cue.
LIGHT_WORDS = word_set(
    "a an the in of about around roughly approximately nearly almost over more than some"
    " additional another new fresh record massive total totaling totalling worth net its their"
    " single daily weekly monthly up to as much by on ( ) ~ \" ' “ ” ’ just whopping staggering"
    " combined cumulative further extra huge notable substantial significant strong spot"
    " bitcoin btc ether eth ethereum crypto solana sol xrp cryptocurrency digital amounting"
    " reaching reached hit hits hitting surpass surpassed surpasses surpassing exceeded"
    " exceeding exceeds topped tops topping crossed past is was were are at exceed reaches"
    " standing equal stood stands us u.s. american first long short latest large larger giant"
    " mammoth impressive robust climb climbs climbed surge surges surged rise rises rose jump"
    " jumps jumped soar soars soared spike spikes spiked grow grows grew swell swells swelled"
    " balloon ballooned increase increased rocket have has had now healthy modest small tiny"
    " mere only initial explosive monster biggest largest full"
)
CLAUSE_BREAKS = word_set(
    "while but whereas as after amid amidst following despite although though before since"
    " because until which who where when with without if and"
)
# Where a clause ends for good, as far as plans and facts are concerned.
TENSE_BREAKS = word_set(
    "while but whereas as after amid amidst following despite although though since because ;"
    " : — – |"
)
PAIR_WORDS = word_set(
    "( ) ~ ≈ , worth valued value at around approximately about roughly for or in exchange"
    " totaling totalling total equivalent to slightly over nearly almost a an of estimated"
    " some more than just under btc bitcoin bitcoins eth ether ethereum tokens coins currently"
    " spending cost costing which is was were equal equals purchased bought acquired aggregate"
    " the combined initially on same day"
)
PAIR_LEADS = word_set(
    "( worth valued for or approximately about roughly equivalent totaling totalling costing"
    " spending ~ equal equals"
)
PRICE_PREPOSITIONS = word_set(
    "at above below near under past beyond toward towards around hit hits reach reaches"
    " reached reaching tops reclaim reclaims reclaimed to from through break breaks broke"
    " between crosses crossed cross surpass surpasses surpassed touch touched hold holds @"
    " price mark than level"
)
EXPECTED = word_set(
    "could may might would will 'll plan plans planned planning aim aims aiming aimed eye"
    " eyes eyed eyeing expect expects expected expecting forecast forecasts forecasted predict"
    " predicts predicted predicting projected projects projection potential potentially"
    " possible possibly if should seek seeks seeking target targets targeting propose proposes"
    " proposed consider considers considering intend intends intended intending brink looking"
    " hopes hoping wants poised ready upcoming proposal proposals proposing mulls mull mulling"
    " weighs considered anticipated anticipates estimate goal can loom looms looming set"
    " slated scheduled risk faces pledge pledges vows commits prepares preparing prospective"
    " authorizes authorized approves upsizes files filed pitches pursues pursue pursuing"
    " empowers"
)
INFLOW = frozenset({"inflow", "inflows", "influx", "positive", "poured"})
OUTFLOW = frozenset(
    {
        "exodus",
        "exit",
        "exits",
        "exited",
        "withdrew",
        "outflow",
        "outflows",
        "negative",
        "redemptions",
        "withdrawals",
        "lost",
        "bled",
        "shed",
    }
)
# Words for a group of funds, or one of them.
FUND_WORDS = word_set(
    "etf etfs etp etps fund funds trust trusts etn exchange-traded etc issuer issuers"
    " coinshares farside sosovalue ibit fbtc gbtc arkb bitb btco ezbc brrr btcw etha feth ethe"
    " ethw ethv qeth ezet ceth bito bsol ssk"
)
FUND_CONTEXT = FUND_WORDS | word_set("products vehicles etfs' institutional")
ISSUERS = word_set("blackrock fidelity grayscale bitwise vaneck invesco 21shares ark")
INSTITUTIONS = word_set(
    "#strategy microstrategy company firm corporate corporates corporation companies firms"
    " institution institutions institutional government governments state miner miners"
    " foundation dao inc corp ltd plc capital saylor metaplanet nasdaq-listed listed publicly"
    " public bank tesla spacex tether maker developer country nation salvador bhutan ukraine"
    " protocol giant manufacturer retailer technologies technology labs ventures semler"
    " gamestop procap sharplink bitmine mara nakamoto strive hedge"
)
PRIVATE_HOLDERS = word_set(
    "whale whales trader traders wallet wallets address addresses insider hacker hackers"
    " exploiter attacker retail holder holders individual user users influencer degen wynn"
    " hayes smart investor sharks shark hodlers lths participants voter voters influencers"
)
LONG_WORDS = word_set("long longs bull bulls bullish")
SHORT_WORDS = word_set("short shorts bear bears bearish short-sellers shorted shorting")
BANKRUPTCY = word_set(
    "bankruptcy bankrupt insolvent insolvency creditor creditors liquidator liquidators"
    " estate wind-down receivership defunct customers preference"
)
VENTURE = word_set(
    "soft-cap hardcap softcap seed venture series startup start-up startups presale pre-sale"
    " ico airdrop valuation nft nfts donations donation memecoin round-led backers accelerator"
    " presales"
)
EXCHANGE_FLOW = word_set(
    "exchange exchanges binance coinbase kraken okx wallet wallets whale whales stablecoin"
    " stablecoins usdt usdc miner miners capital netflows bridge bridged tvl defi chain"
    " protocol on-chain"
)
TREASURY_WORDS = word_set(
    "treasury treasuries holdings holding buy buys buying purchase purchases acquire"
    " acquiring acquisition acquisitions accumulate accumulation reserve reserves stash"
    " stockpile hold balance hodl hoard stack war strategy invest fund pool power"
    " microstrategy bet buyer"
)
RATE_WORDS = word_set(
    "rate rates fed fomc federal ecb boe boj bank yield yields powell policy hike hikes cut"
    " cuts basis treasury percentage-point note benchmark"
)
NOT_POLICY = word_set(
    "cpi inflation unemployment gdp pce ppi odds chance chances probability likelihood"
    " staking apy apr funding hash tax borrow lending-pool"
)
FALL_WORDS = word_set(
    "drop drops dropped dropping fall falls fell falling decline declines declined declining"
    " plunge plunges plunged down decrease decreased decreases shrink shrank slump slumped"
    " tumble tumbled sink sank slip slipped contracted lost wiped crash crashes crashed"
    " plummets plummeted plummet dip dips slid slides cooled"
)


STABLECOINS = frozenset({"USDT", "USDC"})


def flow_sign_of(word: str) -> int:
    """1 for a word of inflow, -1 for one of outflow, 0 for others."""
    return 1 if word in INFLOW else -1 if word in OUTFLOW else 0


@cache
def asset_words() -> frozenset[str]:
    """Words that name an asset, lower case, and general words for crypto coins."""
    found = {
        "crypto",
        "cryptocurrency",
        "cryptocurrencies",
        "coins",
        "tokens",
        "altcoins",
        "cryptos",
        "bitcoin-",
    }
    for entry in entries():
        if entry.type == "asset" and entry.id not in STABLECOINS:
            found.update(name.lower() for name in entry.names if " " not in name)
            if not entry.common:
                found.update(ticker.lower() for ticker in entry.tickers)
    return frozenset(found) | frozenset(word + "s" for word in ("bitcoin",))


@cache
def treasury_companies() -> frozenset[str]:
    """First words of the names of treasury companies, lower case, that are no common word."""
    return frozenset({"#strategy"}) | frozenset(
        name.split()[0].lower()
        for entry in entries()
        if entry.treasury
        for name in (*entry.names, *entry.tickers)
        if name.split()[0].lower()
        not in {
            "the",
            "bit",
            "capital",
            "block",
            "core",
            "defi",
            "smarter",
            "twenty",
            "forward",
            "sol",
            "180",
            "hut",
            "nano",
            "trump",
        }
    )
