"""How the objects of six games look, so that they are found on a screen without the console's memory."""

from tests.atari.objects.pixels import Colour, Look

RED: Colour = (200, 72, 72)
YELLOW: Colour = (187, 187, 53)
_MAZE = (0, 0, 160, 171)
_SEA = (8, 46, 160, 156)

LOOKS: dict[str, dict[str, Look]] = {
    "Breakout": {
        # Only between the wall and the paddle: in the rows of bricks the console paints the ball in the row's colour.
        "ball": Look((RED,), (8, 93, 152, 189), within=True),
        "ball behind the wall": Look(((142, 142, 142),), (8, 32, 152, 57), within=True),
        "paddle": Look((RED,), (8, 189, 152, 193), least=(5, 4)),
    },
    "Pong": {
        "ball": Look(((236, 236, 236),), (0, 34, 160, 194)),
        "player": Look(((92, 186, 92),), (0, 24, 160, 210)),
        "enemy": Look(((213, 130, 74),), (0, 24, 160, 210)),
    },
    "SpaceInvaders": {
        "player": Look(((50, 132, 50),), (0, 180, 160, 195), reach=3),
        "aliens": Look(((134, 134, 29),), (0, 25, 160, 185), reach=5),
        "shields": Look(((181, 83, 40),), (0, 150, 160, 180), reach=9),
        "bullets": Look(((142, 142, 142),), (0, 24, 160, 195), least=(1, 8), most=(1, 10), within=True),
        "saucer": Look(((151, 25, 122),), (0, 8, 160, 24), reach=3, within=True),
    },
    "MsPacman": {
        "pacman": Look(((210, 164, 74),), _MAZE, reach=3, least=(5, 5), most=(8, 10)),
        **{
            f"ghosts: {name}": Look((colour,), _MAZE, reach=3, least=(6, 8), most=(8, 10))
            for name, colour in {
                "sue": (180, 122, 48),
                "inky": (84, 184, 153),
                "pinky": (198, 89, 179),
                "blinky": RED,
            }.items()
        },
        "pills": Look(((228, 111, 111),), _MAZE, least=(4, 2), most=(4, 2)),
        "power_pills": Look(((228, 111, 111),), _MAZE, least=(4, 7), most=(4, 7)),
    },
    "VideoPinball": {
        # The ball has the bumpers' colour: only where it touches none of them.
        "ball": Look(((104, 72, 198),), (28, 24, 132, 176), least=(2, 4), most=(2, 4)),
        "flippers": Look(((236, 236, 236),), (60, 170, 100, 192), most=(13, 13)),
        "targets": Look(((210, 164, 74),), (24, 20, 136, 176), reach=3, most=(8, 16)),
    },
    "Seaquest": {
        # The player's missile has its colour: both are measured where they do not touch.
        "player": Look((YELLOW,), (8, 40, 160, 157), least=(15, 2), most=(16, 11), within=True),
        "missiles": Look((YELLOW,), _SEA, least=(8, 1), most=(8, 1), within=True),
        "sharks": Look(((92, 186, 92),), _SEA, reach=3, least=(8, 5), within=True),
        "submarines": Look(((170, 170, 170),), _SEA, reach=3, least=(8, 8), within=True),
        "divers": Look(((66, 72, 200),), _SEA, reach=5, least=(7, 11), most=(8, 14), within=True),
        "oxygen": Look(((214, 214, 214),), (40, 165, 160, 180)),
    },
}
"""By game and object; what stands behind a region's name says which of its things."""
