//! One experiment being run: the state machine behind the window and the headless commands alike.
