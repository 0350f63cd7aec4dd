/** What a team sees of what was decided and moved: the words themselves, by real commands, a real link and a real hub. */
import { describe, expect, it, vi } from 'vitest'
import { TestWorld } from '../support/test-machine.ts'
import type { TestMachine } from '../support/test-machine.ts'

type Rows = readonly Readonly<Record<string, unknown>>[]

describe('a decision and a move', () => {
  it('are shown by the hub in their own words once their commits are acknowledged', async () => {
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
        expect((work_packages[0]?.['moves'] as Rows).at(-1)).toMatchObject({ commit })
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
  })
})

async function decide(machine: TestMachine, root: string, of: readonly string[]): Promise<string> {
  const asked = ['decision', 'request', ...of, '--question', 'Which sea?']
  const decision_id = (await machine.ok(root, asked))['decision_id'] as string
  await machine.ok(root, ['decision', 'answer', decision_id, ...of, '--answer', 'The North Sea'])
  return decision_id
}
