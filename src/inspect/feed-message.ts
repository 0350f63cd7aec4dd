/** A message before its feed has numbered it, and what stands on each. */
import { randomBytes } from 'node:crypto'
import { monotonicMs } from '../project/monotonic.ts'
import type { FeedMessage } from './protocol.ts'

type Without<Message, Key extends PropertyKey> = Message extends unknown
  ? Omit<Message, Key>
  : never

export type Unnumbered = Without<FeedMessage, 'seq'>

export type Stamp = Pick<FeedMessage, 'createdAt' | 'mono' | 'process' | 'thread'>

/** Machines live there. */
export const MAIN_THREAD = 'main'

/** This process, also where its pid is used again. */
export const PROCESS_KEY = `${process.pid}.${randomBytes(2).toString('hex')}`

export function stampNow(thread: string = MAIN_THREAD): Stamp {
  return { createdAt: String(Date.now()), mono: monotonicMs(), process: PROCESS_KEY, thread }
}
