/** The logs of many real missions, imported by commands and shown by a hub, as their owner would see them the next day. */
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { foldStatus } from '#dist/contracts/ledgers/fold-status.js'
import { LANES } from '#dist/contracts/ledgers/lanes.js'
import { parseStatusLines } from '#dist/workers/git/logs/status-lines.js'
import { noBrowser, type Page, PageBrowser } from '../../support/page-browser.ts'
import { TestWorld } from '../../support/test-machine.ts'

type Board = {
  readonly summary: Readonly<Record<string, number>>
  readonly event_count: number
  readonly work_packages: readonly {
    readonly wp_id: string
    readonly lane: string
    readonly moves: readonly unknown[]
  }[]
}
type Lanes = Readonly<Record<string, readonly string[]>>
type Mission = Pick<Board, 'summary'> & { readonly mission: string; readonly status_rows: number }

const MISSIONS = fileURLToPath(new URL('../../../../shared/corpus/missions', import.meta.url))
const WITHIN = { timeout: 60_000, interval: 200 }
/** What a page of a hundred missions may take from the click on the link until it can be used. */
const FIRST_PAINT_MS_MAX = 5_000
const PHONE = { width: 390, height: 800 }

it('shows what a repository held before there was a hub, each board as its own command says', async (test) => {
  if (!existsSync(MISSIONS) && process.env['REQUIRE_SHARED'] !== '1') {
    test.skip('no ../shared/corpus beside this repository')
  }
  await using world = await TestWorld.make()
  const { machine, hub, root, uuid: project_uuid } = world
  const names = readdirSync(MISSIONS).toSorted()
  cpSync(MISSIONS, join(root, 'kitty-specs'), { recursive: true })
  machine.git(root, 'add', '-f', '.')
  machine.git(root, 'commit', '-qm', 'All that there was')
  const shown = (await machine.run(root, ['sync', 'import-history', '--ledgers'])).document
  expect(shown).toMatchObject({ missions: names.length, released: false })
  const confirm = ['--confirm', shown['hash'] as string]
  const released = await machine.run(root, ['sync', 'import-history', '--ledgers', ...confirm])
  expect(released.document).toMatchObject({ released: true, rows: shown['rows'] })
  expect((await machine.run(root, ['sync', 'now', '--timeout', '120'])).code).toBe(0)

  const listed = async () =>
    (await hub.read<{ missions: readonly Mission[] }>('missions', { project_uuid })).missions
  await vi.waitFor(async () => expect(await listed()).toHaveLength(names.length), WITHIN)
  const missions = await listed()
  expect(missions.map(({ mission }) => mission)).toEqual(names)
  expect(missions.reduce((sum, { status_rows }) => sum + status_rows, 0)).toBe(shown['rows'])
  const boards: Board[] = []
  for (const { mission, summary } of missions) {
    const board = await hub.read<Board>('board', { project_uuid, mission })
    boards.push(board)
    const log = readFileSync(join(MISSIONS, mission, 'status.events.jsonl'))
    const fold = foldStatus(parseStatusLines(log).rows)
    const wanted = [...fold.packages.values()].map(({ wp_id, lane, transitions }) => {
      return [wp_id, lane, transitions.length]
    })
    expect([mission, lanesOf(board)]).toEqual([mission, wanted])
    expect([board.event_count, board.summary]).toEqual([fold.eventCount, summary])
  }
  const { document } = await machine.run(root, ['status'])
  const told = document['missions'] as readonly { mission_slug: string; lanes: Lanes }[]
  expect(told.map(({ mission_slug }) => mission_slug)).toEqual(names)
  expect(told.map(({ lanes }) => lanes)).toEqual(boards.map(byLane))
  if (noBrowser() !== null) return
  await hub.kill()
  await look(await hub.start(undefined, '--open'), names)
})

function lanesOf({ work_packages }: Board): readonly unknown[] {
  return work_packages.map(({ wp_id, lane, moves }) => [wp_id, lane, moves.length])
}

/** As `status` shows them. */
function byLane({ work_packages }: Board): Lanes {
  const lanes: Record<string, string[]> = Object.fromEntries(LANES.map((lane) => [lane, []]))
  for (const { wp_id, lane } of work_packages) lanes[lane]?.push(wp_id)
  return lanes
}

async function look(hub: { readonly dashboard: string | null }, names: readonly string[]) {
  const browser = await PageBrowser.launch()
  try {
    const from = performance.now()
    const page = await browser.open(hub.dashboard ?? '')
    await page.locator('.missions .small', { hasText: `${names.length} missions` }).waitFor()
    await page.locator('.lanes .card').first().waitFor()
    const took = Math.round(performance.now() - from)
    console.log(`${names.length} missions and a board were on the screen after ${took} ms`)
    expect(took).toBeLessThan(FIRST_PAINT_MS_MAX)
    expect(await isChosenSeen(page)).toBe(true)
    await page.keyboard.press('/')
    await page.keyboard.type('no such mission')
    await page.getByText('No mission is called so').waitFor()
    const wanted = names.at(-1) ?? ''
    await page.getByRole('searchbox').fill(wanted)
    await page.locator(`[data-mission="${wanted}"]`).click()
    await page.getByRole('heading', { name: wanted }).waitFor()
    await page.setViewportSize(PHONE)
    await page.reload()
    await page.locator('.lanes .card').first().waitFor()
    expect(await isChosenSeen(page)).toBe(true)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width)
    expect(browser.faults).toEqual([])
  } finally {
    await browser.close()
  }
}

/** Whether the mission whose board is shown is to be seen in the list, too. */
async function isChosenSeen(page: Page): Promise<boolean> {
  const [row, list] = await Promise.all([
    page.locator('.mission[aria-current="true"]').boundingBox(),
    page.locator('.mission-list').boundingBox(),
  ])
  if (row === null || list === null) return false
  const isAcross = row.x >= list.x - 1 && row.x < list.x + list.width
  return isAcross && row.y >= list.y - 1 && row.y < list.y + list.height
}
