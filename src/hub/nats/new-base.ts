/** A base that surely has what the log says up to a place: made of a copy of its own, whoever else makes one meanwhile. */
import { LinkError } from '../../errors.ts'
import { makeBase } from './base.ts'
import type { Nats } from './connect.ts'
import { withPassingCopy } from './passing-copy.ts'

export type NewBase = {
  /** The place that it is not to stand before. */
  readonly through: number
  readonly scrub: boolean
}

export async function makeNewBase(nats: Nats, { through, scrub }: NewBase): Promise<void> {
  let isMade = false
  while (!isMade) isMade = await attempt(nats, { through, scrub })
}

async function attempt(nats: Nats, { through, scrub }: NewBase): Promise<boolean> {
  try {
    return await withPassingCopy(nats, async ({ dataDir, reach }) => {
      await reach(through)
      return makeBase(nats, { dataDir, scrub, reach })
    })
  } catch (error) {
    if (!isOvertaken(error)) throw error
    return false
  }
}

/** Another base came while this copy followed the log, or was filled; the next copy begins with that. */
function isOvertaken(error: unknown): boolean {
  return error instanceof LinkError && OVERTAKEN.has(error.code)
}

const OVERTAKEN = new Set(['HUB_BEHIND_BASE', 'HUB_BASE_INCOMPLETE'])
