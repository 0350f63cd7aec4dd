/**
 * Whatever is done to an outbox in whatever order, by its sender, by others and by hand: the counts that are kept are those of
 * the rows, and they say of what waits what the next claim finds.
 */
import { join } from 'node:path'

import * as fc from 'fast-check'
import { expect, it } from 'vitest'

import { Keeper } from '#dist/workers/store/keeper.js'
import { Outbox } from '#dist/workers/store/outbox.js'
import { OutboxReader } from '#dist/workers/store/outbox-reader.js'
import {
  NODE,
  PROJECT_OWNER,
  append,
  claimedIds,
  idOf,
  later,
  rawDatabase,
  temporaryFolder,
  textOf,
} from '../../support/store-fixtures.ts'

type Lab = {
  readonly path: string
  readonly outbox: Outbox
  readonly keeper: Keeper
  readonly reader: OutboxReader
  recorded: number
  nowMs: number
  claimed: readonly string[]
}
type Step = readonly [name: string, act: (lab: Lab) => void]

function record(lab: Lab, key: string | null): void {
  lab.nowMs += 1
  const number = lab.recorded++
  const payload = { namespace: { project_uuid: 'p', mission_slug: key ?? '' } }
  const event_type = key === null ? 'WPStatusChanged' : 'MissionDossierSnapshotComputed'
  append(lab.outbox, textOf(number, { event_type, payload }))
}

function release(lab: Lab): void {
  const { hash } = lab.reader.history()
  if (lab.outbox.consent() === 'granted') lab.keeper.release(hash, lab.nowMs)
}

function damage({ path, recorded }: Lab, at: number): void {
  const db = rawDatabase(path)
  db.prepare('UPDATE event SET checksum = checksum + 1 WHERE sequence = ?').run(at % (recorded + 1))
  db.close()
}

const small = fc.nat({ max: 5 })
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      arbitrary: fc
        .constantFrom(null, null, 'a', 'b')
        .map((key): Step => [`record ${key}`, (lab) => record(lab, key)]),
      weight: 6,
    },
    {
      arbitrary: small.map((max): Step => [
        `claim ${max}`,
        (lab) => (lab.claimed = claimedIds(lab.outbox, max + 1)),
      ]),
      weight: 4,
    },
    {
      arbitrary: fc
        .array(fc.constantFrom('yes', 'no', 'not now', 'nothing'), { maxLength: 6 })
        .map((answers): Step => [
          `settle ${answers.join()}`,
          ({ outbox, claimed }) => {
            const about = (answer: string) => claimed.filter((_, at) => answers[at] === answer)
            const no = (ids: readonly string[], isFinal: boolean) =>
              ids.map((id) => ({ event_id: id, reason: 'because', isFinal }))
            outbox.settle(about('yes'), [...no(about('no'), true), ...no(about('not now'), false)])
          },
        ]),
      weight: 4,
    },
    fc
      .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2', null))
      .map(([team, epoch]): Step => [
        `reach ${team} ${epoch}`,
        ({ outbox }) => outbox.target({ origin: 'https://hub.example.org', team, epoch }),
      ]),
    fc.constantFrom<Step>(
      ['grant', ({ outbox }) => void outbox.grantConsent(false)],
      ['grant from now', ({ outbox }) => void outbox.grantConsent(true)],
      ['freeze', ({ outbox }) => outbox.freezeConsent()],
      ['refuse', ({ outbox }) => void outbox.refuseConsent()],
      ['release history', release],
      ['let go', ({ outbox }) => outbox.releaseInflight()],
      ['retry', ({ keeper }) => void keeper.retry({})],
      ['purge', ({ keeper }) => void keeper.purge({})],
      ['purge the refused', ({ keeper }) => void keeper.purge({ state: 'quarantined' })],
      ['collect', ({ keeper, nowMs }) => void keeper.collect(nowMs)],
    ),
    small.map((at): Step => [`damage ${at}`, (lab) => damage(lab, at)]),
  ),
  { maxLength: 45 },
)

/** What no hub has answered for good, counted. */
const UNDELIVERED_SQL = `
SELECT count(*) FROM event AS e LEFT JOIN mark AS m ON m.sequence = e.sequence
WHERE coalesce(m.state, '') NOT IN ('superseded', 'quarantined', 'removed')
  AND NOT EXISTS (SELECT 1 FROM delivery AS d WHERE d.sequence = e.sequence AND d.state <> 'pending')`

it('keeps its counts true under anything', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const lab = open()
      const undelivered = rawDatabase(lab.path).prepare<[], number>(UNDELIVERED_SQL).pluck()
      lab.outbox.target({ origin: 'https://hub.example.org', team: 'a', epoch: '1' })
      for (const [name, act] of list) {
        act(lab)
        const rows = lab.reader.list({})
        for (const [state, count] of Object.entries(lab.reader.counts())) {
          const counted = rows.filter((row) => row.state === state).length
          expect([name, state, count]).toEqual([name, state, counted])
        }
        expect([name, lab.reader.isCoherent()]).toEqual([name, true])
        expect([name, lab.reader.capacityUse().undelivered]).toEqual([name, undelivered.get()])
      }
    }),
    { numRuns: 50 },
  )
})

function open(): Lab {
  const path = join(temporaryFolder(), 'outbox.db')
  const lab = { path, recorded: 0, nowMs: 1_000, claimed: [idOf(0)] }
  const outbox = Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE, now: () => lab.nowMs })
  const keeper = Keeper.open({ path, owner: PROJECT_OWNER })
  const reader = OutboxReader.open({ path, owner: PROJECT_OWNER })
  if (keeper === null) throw new Error('no store')
  later(() => [reader, keeper, outbox].forEach((one) => one.close()))
  return Object.assign(lab, { outbox, keeper, reader })
}
