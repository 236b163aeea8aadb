"""What the numbers of a profile mean, and what they cannot tell."""

DEFINITIONS = {
    "Clip": "One a video and stride: the frames in the middle of the video, every frame at stride 1, every second at "
    "stride 2. The clips of all strides have the same middle, to half a frame. So a larger stride plays the same "
    "moment faster, and covers more of the video.",
    "Stretch": "The frames that the clip of the largest stride spans. Several clips of a smaller stride go evenly over "
    "it, neighbours overlapping by half at least, and their probabilities are averaged: what a network gains that is "
    "shown as much of the video without playing it faster. Videos too short for it are left out at every stride.",
    "Accuracy": "The share of videos whose true class has the highest score. Interval by Wilson.",
    "Gained, lost": "Videos that are right at this stride and wrong at the smallest, and the other way round. p is by "
    "McNemar's exact test, two-sided: how often a fair coin splits them so unevenly. By Holm: corrected for the "
    "number of strides.",
    "Share of a position": "The part of a clip's relevance, whatever its sign, that lies in that frame of it; a mean "
    "over videos. Positive relevance, what speaks for the class, stands beside it.",
    "Border and centre": "The border is an eighth of the clip at either end, the centre is its middle half; a position "
    "that lies there in part counts in part. Their ratio is the mean share of a border position over that of a centre "
    "one.",
    "Random weights": "The same network with new random weights, half of them as torch draws them, half as torchvision "
    "does for video networks; batch norms have the statistics of real clips. Temporal strides and padding with zeros "
    "make some positions matter more whatever was learned: only what lies beyond all of these networks is taken for "
    "learned.",
    "From stride to stride": "How many times the ratio at the smallest stride the ratio is, over the same videos. What "
    "strides and padding of the network do is the same at both and cancels out, so networks with random weights differ "
    "less here than in the ratio itself.",
    "What masks mark": "NAME.mask.npz beside a video. A pixel of the network input counts by the part of it that the "
    "mask covers.",
    "95 % interval": "Whole videos are drawn anew, 1000 times. It tells of other videos like these, not of other "
    "training runs.",
}

LIMITS = (
    "Relevance is an account of a score, not a cause: that a network «wants to see more» is a reading of it. What more "
    "of the video does to the answer, the accuracies tell.",
    "Which class is explained is not the same at every stride where the network changes its mind; --target true "
    "explains the same class at all of them.",
    "A ratio compares mean shares. It says nothing of single positions: look at the curve beside the grey band.",
    "The random networks are {networks}; another would lie outside their range by chance about once in {more} on "
    "either side. How the agent's own weights began is not known.",
    "A larger stride also skips frames, blurs nothing and shows larger moves: what is faster and what is more of the "
    "video are told apart by the clips over the stretch alone.",
)
