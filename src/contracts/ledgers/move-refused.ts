/** A move that the table of lanes, or one of its guards, refuses. */
import { InputError } from '../../errors.ts'
import type { Judgement } from './lane-move.ts'

/** Says all that is missing, so that the next try is the last. */
export function moveRefused(
  wpId: string,
  judgement: Judgement & { readonly ok: false },
): InputError {
  const { from, needs, why } = judgement
  const message = `${wpId} is in ${from}; the move needs ${needs.join('; ')}`
  const hint =
    why === 'edge'
      ? 'See where it may go with `kittiwake wp list`; `--force --reason` moves it all the same.'
      : 'See `kittiwake wp move --help`: --actor, --reason, --review-ref, --evidence, --review-result.'
  return new InputError('TRANSITION_REFUSED', message, { hint })
}
