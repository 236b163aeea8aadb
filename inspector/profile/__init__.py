"""Where in the clip a video classifier looks, and whether it does better when the video plays faster."""
