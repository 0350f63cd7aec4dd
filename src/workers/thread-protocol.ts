/** What crosses between a thread and the actor that stands for it. */

/** `workerData` of every thread. `beat` is bumped while the thread's loop turns. */
export type ThreadInput<Input> = { readonly input: Input; readonly beat: SharedArrayBuffer }

export type ThreadMessage =
  | { readonly type: 'thread.ready' }
  | { readonly type: 'thread.answered'; readonly answer: unknown }
  | { readonly type: 'thread.reported'; readonly fact: unknown }
  | { readonly type: 'thread.stopped' }

export type ThreadEvent =
  | ThreadMessage
  | { readonly type: 'thread.crashed'; readonly code: string; readonly message: string }

export type ThreadCommand =
  | { readonly type: 'thread.post'; readonly command: unknown }
  | { readonly type: 'thread.stop' }

/** The one message to a thread that isn't a command. */
export const STOP = 'thread.stop'
