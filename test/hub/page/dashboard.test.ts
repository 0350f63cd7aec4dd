/** The team's dashboard as a person uses it, in real browsers: on a hub that real programs feed, and on hostile words. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { createToken } from '#dist/hub/access/tokens.js'
import { noBrowser, type Page, PageBrowser } from '../../support/page-browser.ts'
import { TestWorld } from '../../support/test-machine.ts'
import { newCommit, newEvent, newLines, newMove, newUlid, openLink, startHub } from '../support.ts'
import type { TestHub } from '../support.ts'

const WITHIN = { timeout: 30_000 }
const skipped = noBrowser()

describe.skipIf(skipped !== null)('the dashboard', () => {
  let one: PageBrowser
  let two: PageBrowser
  beforeAll(async () => {
    ;[one, two] = await Promise.all([PageBrowser.launch(), PageBrowser.launch()])
  })
  afterEach(async () => {
    for (const browser of [one, two]) {
      // Nothing left the machine, no secret stood in an address, and nothing went wrong in the page.
      const elsewhere = browser.requests.filter(
        (url) => !/^(?:https?|ws):\/\/127\.0\.0\.1:\d+\/|^data:,$/.test(url),
      )
      expect(elsewhere).toEqual([])
      expect(browser.requests.filter((url) => /kw[kts]_/.test(url))).toEqual([])
      // What a browser says of a hub that is away, or that refuses.
      expect(browser.faults.filter((text) => !text.includes('Failed to load resource'))).toEqual([])
      await browser.clear()
    }
  })
  afterAll(() => Promise.all([one.close(), two.close()]))

  it('shows what real programs do, in two browsers, over a reload and a restart of the hub', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root } = world
    const first = await one.open(hub.url)
    await logIn(first, hub.token)
    await first.getByText('No project yet').waitFor()
    const { mission_slug } = await machine.ok(root, ['mission', 'create', 'harbour'])
    const of = ['--mission', mission_slug as string]
    await machine.ok(root, ['wp', 'create', 'WP01', '--title', 'Moor the ferry', ...of])
    await machine.link(root)
    await inLane(first, 'planned')
    await first.locator('[data-wp="WP01"]', { hasText: 'Moor the ferry' }).waitFor()
    await machine.ok(root, ['wp', 'move', 'WP01', 'claimed', ...of])
    await inLane(first, 'claimed')
    await first.locator('[data-wp="WP01"] .card-face').click()
    await first.locator('.moves .hash').first().waitFor()

    await hub.kill()
    await first.getByTestId('link').filter({ hasText: 'lost' }).waitFor()
    await hub.start(undefined, '--open')
    const second = await two.open(hub.dashboard ?? '')
    await inLane(second, 'claimed')
    expect(new URL(second.url()).hash).not.toContain('code')
    const both = [first, second]
    for (const page of both) await page.getByTestId('link').filter({ hasText: 'live' }).waitFor()
    await machine.ok(root, ['wp', 'move', 'WP01', 'in_progress', ...of])
    for (const page of both) await inLane(page, 'in_progress')

    const asked = ['decision', 'request', ...of, '--question', 'Which sea?', '--option', 'North']
    const decision = (await machine.ok(root, asked))['decision_id'] as string
    for (const page of both) await page.keyboard.press('2')
    await machine.ok(root, ['decision', 'answer', decision, ...of, '--answer', 'North'])
    for (const page of both) {
      await page.locator(`[data-decision="${decision}"] .answer`, { hasText: 'North' }).waitFor()
    }
    await first.keyboard.press('/')
    await first.keyboard.type('no such sea')
    await first.getByText('Nothing mentions this').waitFor()
    await first.keyboard.press('Escape')

    for (const page of both) {
      await page.keyboard.press('3')
      await page
        .locator('.machine', { hasText: 'keeper' })
        .locator('.state.local')
        .first()
        .waitFor()
    }
    machine.git(machine.folder, 'init', '-q', '--bare', join(machine.folder, 'remote.git'))
    machine.git(root, 'remote', 'add', 'origin', join(machine.folder, 'remote.git'))
    machine.git(root, 'push', '-q', '--all', 'origin')
    for (const page of both) {
      await vi.waitFor(async () => {
        expect(await page.locator('.state.local').count()).toBe(0)
        expect(await page.locator('.state.pushed').count()).toBeGreaterThan(3)
      }, WITHIN)
    }

    await machine.ok(root, ['emit', 'NoteTaken'])
    for (const page of both) {
      await page.keyboard.press('4')
      await page.locator('.stream-row', { hasText: 'NoteTaken' }).waitFor()
    }
    await second.reload()
    await hub.kill()
    await machine.ok(root, ['emit', 'LampLit'])
    await hub.start()
    for (const page of both) {
      await page.locator('.stream-row', { hasText: 'LampLit' }).waitFor()
      const seqs = await seqsOf(page)
      expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, at) => seqs.length - at))
    }
    expect(await seqsOf(first)).toEqual(await seqsOf(second))
  })

  it('shows a move, and who works on what while they do', async () => {
    const { hub, token, page, project_uuid, git_hash, link: mover } = await withProject(one)
    const rows = [{ line: 2, row: newMove() }]
    const from = performance.now()
    mover.send(JSON.stringify(newLines({ project_uuid, git_hash, rows })))
    await inLane(page, 'claimed')
    console.log(
      `a move was on the screen ${Math.round(performance.now() - from)} ms after it was sent`,
    )
    const presence = page.getByTestId('presence')
    await presence.getByText('Nobody has said').waitFor()
    const link = await openLink(hub, token)
    const focus = { mission: 'login', wp: 'WP01' }
    link.send(JSON.stringify({ type: 'presence', project_uuid, focus }))
    await presence.getByRole('button', { name: 'login WP01' }).waitFor()
    await page.locator('.card .working').waitFor()
    link.socket.close()
    await presence.getByText('Nobody has said').waitFor()
  })

  it('shows hostile words as text alone, wherever they stand', async () => {
    const world = await withProject(one, `\u202e${BITE}`)
    const { page, link, project_uuid, git_hash } = world
    const say = async (...frames: readonly JsonObject[]) => {
      link.send(...frames.map((frame) => JSON.stringify(frame)))
      const types = (await link.take(frames.length)).map(({ type }) => type)
      expect(types).not.toContain('error')
    }
    const rows = [
      {
        line: 1,
        row: newMove({
          wp_id: BITE,
          actor: `${BITE}\u2066`,
          from_lane: 'genesis',
          to_lane: 'planned',
        }),
      },
      { line: 2, row: newMove({ wp_id: 'WP02', to_lane: BITE }) },
      {
        line: 3,
        row: {
          event_id: newUlid(),
          event_type: 'WPCreated',
          payload: { wp_id: BITE, wp_title: `Named ${BITE}\u2066` },
        },
      },
    ]
    await say(
      newLines({ project_uuid, git_hash, rows }),
      newLines({ project_uuid, git_hash, ledger: 'decisions', rows: hostileDecision() }),
      hostileTerm(project_uuid),
      {
        type: 'event',
        ...newEvent({
          project_uuid,
          event_type: BITE,
          aggregate_id: `\u202e${BITE}`,
          payload: { [BITE]: BITE, zoo: '\u0000\u001b[31m\u2028' },
          project_slug: BITE,
        }),
      },
    )
    await page.locator('.card', { hasText: BITE }).waitFor()
    await page.locator('.card-title', { hasText: `Named ${BITE}` }).waitFor()
    await page.locator('.oddities summary').click()
    for (const [key, selector] of [
      ['1', '.card'],
      ['2', '.decision'],
      ['3', '.machine h3'],
      ['4', '.stream-row'],
      ['5', '.decision'],
    ] as const) {
      await page.keyboard.press(key)
      const shown = page.locator(selector, { hasText: BITE }).first()
      await shown.waitFor()
      if (key === '4') {
        await shown.click()
        await page.getByTestId('raw').getByText('zoo').waitFor()
      }
      expect(await page.evaluate(() => Reflect.get(globalThis, 'bitten'))).toBeUndefined()
      expect(await page.locator('#app :is(script, img, iframe, a[href], style)').count()).toBe(0)
      const text = await page.locator('#app').innerText()
      expect(text).not.toMatch(/[\u0000\u001b\u2028\u202a-\u202e\u2066-\u2069]/)
    }
    await page.keyboard.press('p')
    await page.locator('.project', { hasText: BITE }).waitFor()
  })

  it('lets nobody in without a token, shows a foreign team nothing, and forgets who leaves', async () => {
    const { hub, dataDir, project_uuid, page, token } = await withProject(one)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByLabel('Token of your team').waitFor()
    await page.reload()
    await logInBlindly(page, 'kwk_nonsense')
    const rival = createToken({ dataDir, team: 'rival', user: 'kim' })
    const foreign = await two.open(`${hub.url}/#/${project_uuid}/boards/login`)
    await logIn(foreign, rival)
    await foreign.getByText('No project yet').waitFor()
    expect(await foreign.locator(':is(.project, .mission, .card)').count()).toBe(0)
    expect(await foreign.locator('#app').innerText()).not.toContain(project_uuid)
    const link = await hub.invite({ team: 'acme', user: 'dashboard' })
    const again = await two.open(link)
    await inLane(again, 'planned')
    const used = await one.open(link)
    await used.getByRole('alert').filter({ hasText: 'not good' }).waitFor()
    // Only the part behind # differs, so that the window stays.
    await page.goto(await hub.invite({ team: 'acme', user: 'dashboard' }))
    await inLane(page, 'planned')
    expect(new URL(page.url()).hash).not.toContain('code')
    await page.goto(`${hub.url}/#/${project_uuid}/decisions`)
    await page.locator('[role=tab][aria-selected=true]', { hasText: 'Decisions' }).waitFor()
    // Neither the token nor what the window holds is good outside of it.
    const kept = await again.evaluate<string>(
      'JSON.stringify({ ...sessionStorage, ...localStorage })',
    )
    expect(kept).not.toContain(token)
    const secret = /kws_[\w-]{43}/.exec(kept)?.[0] ?? ''
    const asked = await fetch(`${hub.url}/api/v1/me`, {
      headers: { Authorization: `Bearer ${secret}` },
    })
    expect(asked.status).toBe(401)
  })

  it('is used by keys alone, and on a phone', async () => {
    const { page } = await withProject(one)
    await inLane(page, 'planned')
    await page.keyboard.press('?')
    await page.locator('dialog kbd', { hasText: 'Esc' }).waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('4')
    await page.locator('.stream-row').first().waitFor()
    await page.getByRole('listbox').focus()
    await page.keyboard.press('ArrowDown')
    await page.getByTestId('raw').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('no row has this')
    await page.getByText('Nothing passes the filter').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('t')
    await page.keyboard.press('t')
    await page.locator(':root[data-theme="dark"]').waitFor()
    await page.setViewportSize({ width: 390, height: 760 })
    for (const key of ['1', '2', '3', '4', '5', '6']) {
      await page.keyboard.press(key)
      await page.locator('[role=tab][aria-selected=true]').nth(0).waitFor()
      const wide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth')
      expect([key, wide]).toEqual([key, false])
    }
    await page.keyboard.press('j')
    await inLane(page, 'planned')
  })
})

const BITE = '<img src=x onerror="globalThis.bitten=1">'
const ACTOR = { actor_id: BITE, actor_type: 'human' }

function hostileDecision() {
  const decision_id = newUlid()
  const record = (event_type: string, payload: JsonObject) => ({
    at: '2026-02-12T10:00:00Z',
    build_id: 'b1',
    event_id: newUlid(),
    event_type,
    mission_id: null,
    payload: { run_id: 'r1', decision_id, actor: ACTOR, ...payload },
  })
  const asked = { step_id: 's1', question: BITE, options: [BITE, '\u202egnp'], input_key: null }
  return [
    { line: 1, row: record('DecisionInputRequested', asked) },
    { line: 2, row: record('DecisionInputAnswered', { answer: `${BITE}\u2067` }) },
  ]
}

function hostileTerm(project_uuid: string): JsonObject {
  const payload = {
    conflict_id: BITE,
    term: BITE,
    question: `\u202e${BITE}`,
    options: [BITE],
    scope_id: 'team_domain',
    step_id: 's1',
    semantic_check_event_id: newUlid(),
    urgency: 'high',
    actor: 'sam',
    mission_id: 'm1',
  }
  const event_type = 'GlossaryClarificationRequested'
  return { type: 'event', ...newEvent({ project_uuid, event_type, payload }) }
}

type Shown = TestHub & {
  readonly page: Page
  readonly link: Awaited<ReturnType<typeof openLink>>
  readonly project_uuid: string
  readonly git_hash: string
}

/** A hub with one project, whose board has one package, and a page that shows it. */
async function withProject(browser: PageBrowser, user = 'sam'): Promise<Shown> {
  const world = await startHub()
  const token = createToken({ dataDir: world.dataDir, team: 'acme', user: 'sam' })
  // A name that the command would refuse: an older hub may have taken it.
  const link = await openLink(world.hub, userToken(world, user))
  const [project_uuid, git_hash] = [randomUUID(), 'ab'.repeat(20)]
  const row = newMove({ from_lane: 'genesis', to_lane: 'planned' })
  const frames = [
    newCommit({ project_uuid, git_hash }),
    newLines({ project_uuid, git_hash, rows: [{ line: 1, row }] }),
  ]
  link.send(...frames.map((frame) => JSON.stringify(frame)))
  await link.take(frames.length)
  const page = await browser.open(await world.hub.invite({ team: 'acme', user: 'dashboard' }))
  await inLane(page, 'planned')
  return { ...world, token, page, link, project_uuid, git_hash }
}

function userToken({ dataDir }: TestHub, user: string): string {
  return createToken({ dataDir, team: 'acme', user: user.replaceAll('\u202e', '') })
}

async function logIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token of your team').fill(token)
  await page.getByRole('button', { name: 'Log in' }).click()
}

/** By what the keyboard does and a screen reader hears; the token is wrong, twice. */
async function logInBlindly(page: Page, token: string): Promise<void> {
  const region = page.locator('#login-fault[role=alert]')
  const focused = page.locator('#token:focus')
  await focused.waitFor()
  // What is there before it says something, and says it anew each time, is read aloud.
  await region.evaluate((one) => one.setAttribute('data-first', ''))
  for (const attempt of [1, 2]) {
    await page.keyboard.type(token)
    await page.getByRole('button', { name: 'Log in' }).click()
    const said = page.locator('#login-fault[data-first] > :not([data-heard])')
    await said.filter({ hasText: 'not good' }).waitFor()
    await said.evaluate((one, heard) => one.setAttribute('data-heard', String(heard)), attempt)
    await focused.waitFor()
    expect(await page.locator('#token').getAttribute('aria-describedby')).toBe('login-fault')
  }
}

function inLane(page: Page, lane: string): Promise<void> {
  return page.locator(`[data-lane="${lane}"] [data-wp="WP01"]`).waitFor()
}

async function seqsOf(page: Page): Promise<readonly number[]> {
  const rows = await page
    .locator('.stream-row')
    .evaluateAll((all) => all.map((row) => Number(row.getAttribute('data-seq'))))
  return rows
}
