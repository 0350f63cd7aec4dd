/** What a team sees of what was decided and moved: the words themselves, by real commands, a real link and a real hub. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { TestWorld } from '../support/test-machine.ts'
import type { TestMachine } from '../support/test-machine.ts'

type Rows = readonly Readonly<Record<string, unknown>>[]

describe('a decision and a move', () => {
  it('are shown by the hub in their own words once their commits are acknowledged, and verified by a push', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    const { mission_slug } = await machine.ok(root, ['mission', 'create', 'harbour'])
    const mission = mission_slug as string
    const of = ['--mission', mission]
    const decision_id = await decide(machine, root, of)
    await machine.ok(root, ['wp', 'create', 'WP01', ...of])
    const { commit } = await machine.ok(root, ['wp', 'move', 'WP01', 'claimed', ...of])
    await machine.link(root)
    const query = { project_uuid: uuid, mission }
    await vi.waitFor(
      async () => {
        const { decisions } = await hub.read<{ decisions: Rows }>('decisions', query)
        expect(decisions).toMatchObject([
          { mission, decision_id, question: 'Which sea?', answer: 'The North Sea' },
        ])
        expect(decisions[0]?.['commit']).toMatch(/^[0-9a-f]{40}$/)
        const { work_packages } = await hub.read<{ work_packages: Rows }>('board', query)
        expect(work_packages).toMatchObject([{ wp_id: 'WP01', lane: 'claimed' }])
        const moves = work_packages[0]?.['moves'] as Rows | undefined
        expect(moves?.at(-1)).toMatchObject({ commit })
      },
      { timeout: 20_000 },
    )
    // Told while the link is live, too.
    await machine.ok(root, ['wp', 'move', 'WP01', 'in_progress', ...of])
    await vi.waitFor(
      async () => {
        const { work_packages } = await hub.read<{ work_packages: Rows }>('board', query)
        expect(work_packages).toMatchObject([{ lane: 'in_progress' }])
      },
      { timeout: 20_000 },
    )
    const localOnly = async () => {
      const rows = await hub.rows('commit', uuid)
      return rows.map((row) => (row as unknown as { local_only: boolean }).local_only)
    }
    expect(await localOnly()).toContain(true)
    const remote = join(machine.folder, 'remote.git')
    machine.git(machine.folder, 'init', '-q', '--bare', remote)
    machine.git(root, 'remote', 'add', 'origin', remote)
    machine.git(root, 'push', '-q', '--all', 'origin')
    await vi.waitFor(async () => expect(await localOnly()).not.toContain(true), { timeout: 20_000 })
  })
})

describe('the history of the ledgers', () => {
  it('is shown, released by its hash where there is consent, and sent as history', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    const { mission_slug } = await machine.ok(root, ['mission', 'create', 'harbour'])
    const mission = mission_slug as string
    // As if another program had written it long ago: no commit of ours tells of it.
    const folder = join(root, 'kitty-specs', 'lighthouse-01J00000')
    mkdirSync(folder, { recursive: true })
    const row = { event_id: 'x', wp_id: 'WP01', to_lane: 'limbo' }
    writeFileSync(join(folder, 'status.events.jsonl'), `${JSON.stringify(row)}\nnot json\n`)
    machine.git(root, 'add', '-f', '.')
    machine.git(root, 'commit', '-qm', 'Old')
    await decide(machine, root, ['--mission', mission])
    const command = ['sync', 'import-history', '--ledgers']
    const shown = await machine.ok(root, command)
    expect(shown).toMatchObject({ released: false, missions: 2, rows: 4 })
    await machine.ok(root, ['sync', 'opt-out'])
    const confirm = [...command, '--confirm', shown['hash'] as string]
    expect(await machine.run(root, confirm)).toMatchObject({
      document: { ok: false, error: { code: 'NO_CONSENT' } },
    })
    await machine.ok(root, ['sync', 'opt-in'])
    expect(await machine.ok(root, confirm)).toMatchObject({ released: true, rows: 4 })
    await machine.ok(root, ['sync', 'now'])
    const { missions } = await hub.read<{ missions: Rows }>('missions', { project_uuid: uuid })
    expect(missions.map((one) => one['mission'])).toEqual([mission, 'lighthouse-01J00000'])
    const query = { project_uuid: uuid, mission: 'lighthouse-01J00000' }
    expect(await hub.read('board', query)).toMatchObject({
      work_packages: [],
      anomalies: [
        { line: 1, what: 'a transition with a lane that is none' },
        { line: 2, what: 'not a JSON object' },
      ],
    })
    expect(await hub.rows('event', uuid)).toEqual([])
    // No event names the project: its rows do.
    const { projects } = await hub.read<{ projects: Rows }>('projects', {})
    expect(projects).toMatchObject([{ project_uuid: uuid, slug: basename(root) }])
  })
})

async function decide(machine: TestMachine, root: string, of: readonly string[]): Promise<string> {
  const asked = ['decision', 'request', ...of, '--question', 'Which sea?']
  const decision_id = (await machine.ok(root, asked))['decision_id'] as string
  await machine.ok(root, ['decision', 'answer', decision_id, ...of, '--answer', 'The North Sea'])
  return decision_id
}
