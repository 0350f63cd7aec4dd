/** The words at an arrow. Pure, and without imports that run: the page uses it, too. */
import type { MachineTransition } from './protocol.ts'

/** The event, `after` a delay or `always`, and the guard in brackets. */
export function transitionLabel({ kind, event, delay, guard }: MachineTransition): string {
  const what = kind === 'after' ? `after ${delay}` : kind === 'always' ? 'always' : event
  return guard === undefined ? what : `${what} [${guard}]`
}
