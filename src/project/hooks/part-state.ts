/** How one part stands of what `hooks install` sets up in a clone. */

export type PartState = {
  /** `foreign`: something else stands there, which is not ours to change; `outdated`: ours, of another place. */
  readonly state: 'installed' | 'outdated' | 'absent' | 'foreign'
  /** What is in the way and what to do; null where nothing is. */
  readonly message: string | null
}

export const INSTALLED: PartState = { state: 'installed', message: null }
export const ABSENT: PartState = { state: 'absent', message: null }
export const OUTDATED: PartState = { state: 'outdated', message: null }

export function foreign(message: string): PartState {
  return { state: 'foreign', message }
}
