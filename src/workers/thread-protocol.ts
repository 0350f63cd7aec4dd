/** What crosses between a thread and the actor that stands for it. */

/** `workerData` of every thread. `pulse` holds four 32-bit numbers, at the places below. The first message is its input. */
export type ThreadData = { readonly pulse: SharedArrayBuffer }

export const PULSE_BYTES = 16
/** Bumped while the thread's loop turns. */
export const BEAT_AT = 0
/** 1 once the thread is asked to stop: one that waits does not read its messages. */
export const STOP_AT = 1
/** How many commands the thread has taken. */
export const TAKEN_AT = 2
/** 1 once the input has been posted, until when a thread that was made ahead waits; `NEVER`: nobody asks for it. */
export const BEGIN_AT = 3
export const NEVER = 2

export type ThreadMessage =
  | { readonly type: 'thread.ready' }
  | {
      readonly type: 'thread.answered'
      readonly answer: unknown
      /** Monotonic milliseconds: when the thread took the command, and when it answered. */
      readonly takenAt?: number
      readonly answeredAt?: number
    }
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

/** A thread gets what its process was started with, but for the word for how a program given as text is read: Node refuses it there. */
export function threadArguments(): { readonly execArgv?: string[] } {
  return process.execArgv.some((word) => word.startsWith('--input-type')) ? { execArgv: [] } : {}
}
