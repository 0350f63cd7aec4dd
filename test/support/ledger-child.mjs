/**
 * Answers decisions in a process of its own: `node ledger-child.mjs '<json>'`. With `killAt` the process kills
 * itself with SIGKILL at that change of the disk, counted from 1. Prints a JSON line for each thing acknowledged,
 * and at last how many changes of the disk there were.
 */
import { writeSync } from 'node:fs'
import { ulid } from 'ulid'
import { Ledger } from '#dist/workers/git/ledgers/ledger.js'

const {
  repository,
  placement,
  identity,
  author,
  count = 1,
  killAt = 0,
} = JSON.parse(process.argv[2] ?? '{}')

let steps = 0
const ledger = new Ledger({
  repository,
  identity: async () => identity,
  placementOf: async () => placement,
  missions: (isKnown) => [placement.mission].filter(({ directory }) => !isKnown(directory)),
  protectedBranches: async () => null,
  author: async () => author,
  assertClean: () => undefined,
  onStep: () => {
    steps += 1
    if (steps === killAt) process.kill(process.pid, 'SIGKILL')
  },
})

const actor = { actor_id: 'cli', actor_type: 'human' }
const stamp = { at: '2026-06-01T07:00:00.000000+00:00', mission_id: placement.mission.mission_id }

function print(value) {
  writeSync(1, `${JSON.stringify(value)}\n`)
}

for (let index = 0; index < count; index += 1) {
  const decision_id = ulid()
  const asked = { run_id: 'cli', decision_id, step_id: 's', question: 'Q', options: [], actor }
  await ledger.request(placement.mission.directory, {
    ...stamp,
    event_id: ulid(),
    event_type: 'DecisionInputRequested',
    payload: { ...asked, input_key: null },
  })
  print({ requested: decision_id })
  await ledger.answer(placement.mission.directory, {
    ...stamp,
    event_id: ulid(),
    event_type: 'DecisionInputAnswered',
    payload: { run_id: 'cli', decision_id, answer: 'A', actor },
  })
  print({ answered: decision_id })
  const { type, commit } = await ledger.commit(placement.mission.directory, 'decisions')
  print({ answer: type, committed: commit })
}
print({ steps })
