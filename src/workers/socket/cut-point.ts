/** Where a batch that holds a poison event is cut: near its middle, and not between what made a work package and its moves. */
import { isJsonObject, parseJsonObject } from '../../contracts/json/json.ts'
import type { OutgoingItem } from './outgoing.ts'

/** What of the lower half goes first: from 1 to one less than there are items, of which there are two at least. */
export function cutPoint(items: readonly OutgoingItem[]): number {
  const middle = Math.ceil(items.length / 2)
  const isWhole = wholeCuts(items)
  for (let away = 0; away < middle; away += 1) {
    for (const cut of [middle - away, middle + away]) {
      if (cut > 0 && cut < items.length && isWhole(cut)) return cut
    }
  }
  return middle
}

/** Whether a cut before this item leaves each package that is made here on one side, from its making to its last move. */
function wholeCuts(items: readonly OutgoingItem[]): (cut: number) => boolean {
  const madeAt = new Map<string, number>()
  const movedAt = new Map<string, number>()
  for (const [index, item] of items.entries()) {
    const step = stepOf(item)
    if (step?.type === 'WPCreated' && !madeAt.has(step.wpId)) madeAt.set(step.wpId, index)
    if (step?.type === 'WPStatusChanged') movedAt.set(step.wpId, index)
  }
  const isWhole = items.map(() => true)
  for (const [wpId, from] of madeAt) isWhole.fill(false, from + 1, (movedAt.get(wpId) ?? from) + 1)
  return (cut) => isWhole[cut] === true
}

type Step = { readonly type: unknown; readonly wpId: string }

function stepOf({ frame }: OutgoingItem): Step | null {
  // Most events are of neither kind, and to parse them all would take longer than the request.
  if (!frame.includes('"WPCreated"') && !frame.includes('"WPStatusChanged"')) return null
  try {
    const { event_type: type, payload } = parseJsonObject(frame)
    const wpId = isJsonObject(payload) ? payload['wp_id'] : undefined
    return typeof wpId === 'string' ? { type, wpId } : null
  } catch {
    return null
  }
}
