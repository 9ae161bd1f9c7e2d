// Pure dispatch: the first word chooses an app, which is loaded only then.
export {};
