/** Rows of status logs, as tests write them. */
import { ulid } from 'ulid'
import {
  foldStatus,
  type NumberedRow,
  type StatusFold,
} from '#dist/contracts/ledgers/fold-status.js'
import { parseStatusRow, type Transition } from '#dist/contracts/ledgers/status-record.js'

const START = Date.parse('2026-06-01T07:00:00.000Z')

/** A transition at `seconds` after the start of the tests' time. */
export function transition(
  wp_id: string,
  from_lane: Transition['from_lane'],
  to_lane: Transition['to_lane'],
  seconds: number,
  more: Partial<Transition> = {},
): Transition {
  return {
    actor: 'cli',
    at: new Date(START + seconds * 1000).toISOString().replace('Z', '000+00:00'),
    event_id: ulid(START + seconds * 1000),
    evidence: null,
    execution_mode: 'worktree',
    force: false,
    from_lane,
    mission_id: '01KT119Y000000000000000000',
    mission_slug: 'harbour-01KT119Y',
    policy_metadata: null,
    reason: null,
    review_ref: null,
    review_result: null,
    to_lane,
    wp_id,
    ...more,
  }
}

export function foldOf(rows: readonly object[]): StatusFold {
  return foldStatus(rows.map((row, index) => numbered(row, index + 1)))
}

export function numbered(value: object, line: number): NumberedRow {
  const row = parseStatusRow(value as never)
  if (typeof row === 'string') throw new Error(row)
  return { line, row }
}
