"""What the help of every command ends with: exit codes, examples."""

from inspector.arguments import COMPOSITES, METHODS, TARGETS

EXIT_CODES = """\
exit codes:
  0    done
  1    failure
  2    wrong usage
  3    the agent's file is not recognised, or does not fit
  4    the network holds an operation that cannot be explained
  5    a folder, a disk or a recording does not serve
  6    the environment does not exist, or does not fit the agent
  7    a video cannot be read, or not to its end
  130  interrupted; what was recorded so far is finished and kept"""

EXAMPLES = f"""\
examples:
  inspector record breakout                          the bundled agent, one episode
  inspector record my_ppo.zip --env ALE/Pong-v5      an agent of stable-baselines3
  inspector record motion-digits --video clip.mp4    a classifier that watches a video
  inspector live breakout                            watch it think, in this terminal
  inspector show my_dqn.cleanrl_model                what is in this file?

{EXIT_CODES}"""

RULES = f"""\
composites, which LRP rules explain:
  {", ".join(COMPOSITES[:4])},
  {", ".join(COMPOSITES[4:])},
  a TOML file with rules of your own; or, by gradients: {", ".join(METHODS)}

targets, what is explained:
  {", ".join(TARGETS)}, or always one action by its name or number"""

VIDEO_RULES = """\
videos:
  AGENT is a bundled agent that watches videos, torchvision:NAME (r3d_18, mc3_18, r2plus1d_18, s3d), MODULE:FUNCTION, or
  the folder of a run. Every frame is in one window at least; where windows overlap, a frame shows their mean.
  --target is score (the class that the whole video is recognised as), each (each window's own), or a class by its
  name or number; --steps N stops after N windows of each video"""

RECORD_EXAMPLES = f"""\
{RULES}

{VIDEO_RULES}

examples:
  inspector record breakout --steps 2000
  inspector record breakout --composite epsilon_alpha2_beta1 --target value
  inspector record breakout --composite mine.toml
  inspector record breakout --checkpoint first --seed 3 -o recordings/untrained
  inspector record my_ppo.zip --env ALE/Pong-v5 --frame-skip 4 --episodes 2
  inspector record weights.pt --env ALE/Breakout-v5 --architecture nature --output-kind q_values
  inspector record weights.pt --env ALE/Qbert-v5 --factory my_package.networks:build --json
  inspector record motion-digits --video clip.mp4 --target grow
  inspector record torchvision:r3d_18 --weights r3d_18.pth --video bikes.mp4 --stride 2
  inspector record mynet:make --weights mine.pt --classes names.txt --resize 128x171 --crop 112x112 --video bikes.mp4"""

TRACK_EXAMPLES = """\
a series:
  a bundled agent; a folder with the checkpoints that stable-baselines3 or CleanRL wrote along the way; or a glob of
  such files, in quotes. Several series are training runs of one setting with different seeds. Of agents that watch
  videos: a bundle, the folder of a run of agents/train_clips.py, or, with --factory, weights of your own network in
  files whose names tell how long they were trained, as epoch_20.pt.

examples:
  inspector track breakout
  inspector track logs/ppo_pong --env ALE/Pong-v5 -o tracks/pong
  inspector track 'logs/rl_model_*_steps.zip' --env ALE/Breakout-v5 --probe-steps 1000 --jobs 8
  inspector track breakout --composite epsilon_plus --composite epsilon_gamma_box --target score --target contrast
  inspector track logs/ppo_pong --env ALE/Pong-v5 --engine ray --address ray://head:10001
  inspector track -o tracks/pong --resume logs/ppo_pong --env ALE/Pong-v5
  inspector track run1 run2 run3 --env ALE/Breakout-v5 --probe tracks/breakout/probe.npz
  inspector track motion-digits --video videos/motion-digits      (a folder with a subfolder a class)
  inspector track checkpoints --factory mynet:make --video videos --classes names.txt --window 16"""

PROFILE_EXAMPLES = """\
a folder of videos:
  a subfolder for each class, named as the class (case, spaces, - and _ do not matter). Masks of a moving thing may lie
  beside a video: NAME.mask.npz beside NAME.mp4, with `bits` by numpy.packbits and `shape` (frames, height, width).
  Exit code 3 if a video had to be left out: unreadable, too short, or of no class of the agent.

examples:
  python agents/train_clips.py generate videos && inspector profile motion-digits videos
  inspector profile motion-digits videos --strides 1,2,4 --target true -o profiles/digits
  inspector profile torchvision:r3d_18 videos --strides 1,2 --jobs 4
  inspector profile torchvision:r3d_18 videos --weights mine.pt --classes names.txt
  inspector profile mynet:make videos --weights mine.pt --classes names.txt --window 12 --resize 48x48 --crop 48x48
  inspector profile -o profiles/digits --resume motion-digits videos --strides 1,2,3,4"""

LIVE_EXAMPLES = f"""\
{RULES}

AGENT may also be a folder or a glob of checkpoints of one training run: c and C go through them. Where stdout is no
terminal, a line a second tells what goes on; one episode is played then.

keys:
  space pause   . one step   [ ] slower, faster   o overlay   t target   0-9 d-k explain one action
  c C next, previous checkpoint on the same state   r record   s snapshot   n new game   ? help   q quit

examples:
  inspector live breakout
  inspector live breakout --checkpoint first --speed 4
  inspector live 'logs/rl_model_*_steps.zip' --env ALE/Pong-v5
  inspector live pong --target contrast --color 256
  inspector live breakout --episodes 3 --speed max --json"""

REPLAY_EXAMPLES = """\
keys:
  space pause   . one step   [ ] slower, faster   left right a step   page up, page down 5 seconds
  home end   o overlay   s snapshot   ? help   q quit

examples:
  inspector replay recordings/breakout-seed0-20260101-120000
  inspector replay recordings/breakout-seed0-20260101-120000 --speed 0.25"""

SHOW_EXAMPLES = """\
examples:
  inspector show breakout
  inspector show my_ppo.zip --json"""

RECOVER_EXAMPLES = """\
examples:
  inspector recover recordings/breakout-seed0-20260101-120000"""

AGENTS_EXAMPLES, DOCTOR_EXAMPLES = (
    f"examples:\n  inspector {name}\n  inspector {name} --json" for name in ("agents", "doctor")
)
