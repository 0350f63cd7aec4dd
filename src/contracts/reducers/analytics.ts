/** Tokens, cost and changed lines: the totals of a mission, of each of its work packages and of each actor. */
import type { Json, JsonObject } from '../json/json.ts'
import { isJsonObject } from '../json/json.ts'
import type { Family, Input, Run } from './types.ts'
import { entry, numberOf, objectOf, textOf } from './values.ts'

const TOKENS = 'TokenUsageRecorded'
/** Costs add up in billionths, so that the sum doesn't depend on how a fraction is kept. */
const COST_SCALE = 1e9

export const analytics: Family = {
  types: new Set([TOKENS, 'DiffSummaryRecorded']),
  keysOf: (events) => events.map(({ payload }) => textOf(payload, 'mission_id') || null),
  fold: foldAnalytics,
  reference: null,
}

type Totals = {
  events: number
  input_tokens: number
  output_tokens: number
  total_tokens: number
  /** In billionths. */
  cost: number
  files_changed: number
  lines_added: number
  lines_deleted: number
}

function foldAnalytics(events: readonly Input[], run: Run): JsonObject {
  const mission = newTotals()
  const byPackage = new Map<string, Totals>()
  const byActor = new Map<string, Totals>()
  let isInexact = false
  for (const event of events) {
    const { payload } = event
    add(mission, event)
    const wp = textOf(payload, 'wp_id')
    if (wp !== '') add(entry(byPackage, wp, newTotals), event)
    const actor = isJsonObject(payload['actor']) ? textOf(payload['actor'], 'actor_id') : ''
    if (actor !== '') add(entry(byActor, actor, newTotals), event)
    if (isInexact || isExact(mission)) continue
    isInexact = true
    run.report(event, 'total_inexact', 'a total is beyond what a number can hold exactly')
  }
  return {
    total: totalsState(mission),
    by_work_package: objectOf(byPackage, totalsState),
    by_actor: objectOf(byActor, totalsState),
  }
}

function newTotals(): Totals {
  return {
    events: 0,
    input_tokens: 0,
    output_tokens: 0,
    total_tokens: 0,
    cost: 0,
    files_changed: 0,
    lines_added: 0,
    lines_deleted: 0,
  }
}

function add(totals: Totals, { event_type, payload }: Input): void {
  totals.events += 1
  if (event_type === TOKENS) {
    totals.input_tokens += numberOf(payload, 'input_tokens')
    totals.output_tokens += numberOf(payload, 'output_tokens')
    totals.total_tokens += numberOf(payload, 'total_tokens')
    totals.cost += Math.round(numberOf(payload, 'estimated_cost_usd') * COST_SCALE)
  } else {
    totals.files_changed += numberOf(payload, 'files_changed')
    totals.lines_added += numberOf(payload, 'lines_added')
    totals.lines_deleted += numberOf(payload, 'lines_deleted')
  }
}

/** The total of tokens bounds its two parts. */
function isExact({
  total_tokens,
  cost,
  files_changed,
  lines_added,
  lines_deleted,
}: Totals): boolean {
  return (
    Number.isSafeInteger(total_tokens) &&
    Number.isSafeInteger(cost) &&
    Number.isSafeInteger(files_changed) &&
    Number.isSafeInteger(lines_added) &&
    Number.isSafeInteger(lines_deleted)
  )
}

function totalsState({ cost, ...counts }: Totals): Json {
  return { ...counts, estimated_cost_usd: cost / COST_SCALE }
}
