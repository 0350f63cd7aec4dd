/** The page as a person uses it, in a real browser: on a live runtime with a hub, and on traces. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { serveHub } from '#dist/hub/server.js'
import type { Runtime } from '#dist/index.js'
import { Feed } from '#dist/inspect/feed.js'
import { openTrace } from '#dist/inspect/trace-file.js'
import { count } from '../../../src/page/text.ts'
import { startHub } from '../../hub/support.ts'
import { actorId, SAMPLE, sampleMessages, stamped, state } from '../../support/feed-messages.ts'
import { noBrowser, type Page, PageBrowser } from '../../support/page-browser.ts'
import { manyMessages, serve, serveFeed, serveSample, tellAll } from '../../support/page-server.ts'
import { RuntimeWorld } from '../../support/runtime-world.ts'

const WITHIN_MS = 30_000
const skipped = noBrowser()

describe.skipIf(skipped !== null)('the page', () => {
  let browser: PageBrowser
  beforeAll(async () => {
    browser = await PageBrowser.launch()
  })
  afterEach(async () => {
    // Whatever a test did, nothing left the machine, and nothing went wrong in the page.
    const elsewhere = browser.requests.filter(
      (url) => !/^(?:https?|ws):\/\/127\.0\.0\.1:\d+\/|^data:,$/.test(url),
    )
    expect(elsewhere).toEqual([])
    expect(browser.faults).toEqual([])
    await browser.clear()
  })
  afterAll(() => browser.close())

  it('shows a live runtime: the link lost and back, a worker killed, the way of an event', async () => {
    const threads = await watchThreads()
    const world = await RuntimeWorld.withProject()
    const hub = await startHub()
    world.login(hub)
    const runtime = await world.open({ inspect: true })
    await runtime.sync.optIn()
    await note(runtime, 'first')
    // The store's comes first: the page is not there yet to ask for a drawing, which takes a thread as well.
    const [storeThread] = threads
    const page = await browser.open(runtime.inspectUrl ?? '')
    await runtime.sync.start()
    await pick(page, 'connection')
    await expectText(page.getByTestId('state-now'), /delivery\.live/)
    expect(
      await page.locator('[data-state="connection.connected.delivery.live"]').getAttribute('class'),
    ).toMatch(/\bleaf\b/)

    const { port } = new URL(hub.hub.url)
    await hub.hub.stop()
    await expectText(page.getByTestId('state-now'), /backingOff|reaching/)
    // Why the event is not at the hub stands beside it.
    await note(runtime, 'where am I')
    await page.keyboard.press('3')
    await page.getByRole('button', { name: 'Not at the hub' }).click()
    await page.locator('.fate-row[data-event]').last().click()
    await expectText(page.getByTestId('fate'), /stored[^]*not at the hub yet/)
    await vi.waitFor(async () => {
      await page.getByRole('button', { name: 'Ask again' }).click()
      expect(await page.locator('.obstacle').innerText({ timeout: 2_000 })).toContain('link_down')
    }, WITHIN_MS)
    await page.getByRole('button', { name: 'Not at the hub' }).click()
    await page.keyboard.press('1')
    const again = await serveHub({ dataDir: hub.dataDir, port: Number(port) })
    onTestFinished(() => again.stop())
    await expectText(page.getByTestId('state-now'), /delivery\.live/)

    await storeThread?.terminate()
    await note(runtime, 'second')
    const store = page.locator('[data-actor="store"]')
    await expectText(store.locator('.number').nth(1), /^1$/)
    await expectText(store.locator('.state'), /^ready$/)

    // Back to when the link was lost: state, context and message are those of then.
    await page.keyboard.press('/')
    await page.keyboard.type('socket.closed backingOff')
    await page.locator('.message', { hasText: 'connected → backingOff' }).first().click()
    await expectText(page.getByTestId('state-now'), /^backingOff$/)
    await expectText(page.getByTestId('link'), /live, held/)

    expect(await page.locator('.edge.taken').count()).toBe(1)
    await page.locator('.label.taken', { hasText: 'socket.closed' }).waitFor()
    await page.getByRole('tab', { name: 'Context' }).click()
    await page.locator('.side-body').getByText('attempts').waitFor()
    await page.keyboard.press('End')
    await expectText(page.getByTestId('state-now'), /delivery\.live/)

    await page.keyboard.press('3')
    await page.locator('.fate-row[data-event]').last().click()
    await expectText(page.getByTestId('fate'), /stored[^]*sent[^]*acknowledged/)
    await expectText(page.getByTestId('fate'), /The outbox now[^]*delivered/)
    await page.keyboard.press('4')
    await page.locator('[data-worker="store"] .restarting').first().waitFor()
    await page.locator('.plot', { hasText: 'store: unanswered' }).waitFor()
  })

  it('shows a zoo of payloads as text alone, and none of what is personal (S26)', async () => {
    const canary = { email: 'quill.sandpiper@mail.example', secret: `ghp_${'kW3'.repeat(12)}` }
    const world = await RuntimeWorld.withProject()
    const runtime = await world.open({ inspect: true })
    const page = await browser.open(runtime.inspectUrl ?? '')
    await note(
      runtime,
      '<script>globalThis.bitten=1</script><img src=x onerror="globalThis.bitten=1">',
    )
    await note(
      runtime,
      `\u202egnp.exe\u2066 \u001b[31mred\u0007 \u0000 ${canary.email} ${canary.secret}`,
    )
    await note(runtime, '"><svg onload=alert(1)>{{7*7}}</style><a href="javascript:alert(1)">x</a>')
    await page.getByRole('tab', { name: 'Message' }).click()
    for (const shown of ['<script>', 'gnp.exe', '{{7*7}}']) {
      await page.getByLabel('Search', { exact: true }).fill(`thread.post ${shown}`)
      // What the search before had found stands there for a moment.
      let text = ''
      await vi.waitFor(async () => {
        await page.locator('.message').click()
        text = await page.locator('.side-body').innerText()
        expect(text).toContain(shown)
      }, WITHIN_MS)
      expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u001b\u0000]/)
      if (shown === 'gnp.exe') expect(text).toMatch(/\\+u\{?202e/)
    }
    expect(await page.evaluate(() => Reflect.get(globalThis, 'bitten'))).toBeUndefined()
    expect(await page.locator('#app :is(script, img, iframe, a[href], style)').count()).toBe(0)
    const all = await page.content()
    for (const personal of Object.values(canary)) expect(all).not.toContain(personal)
  })

  it('shows a trace that somebody else has made as text alone', async () => {
    const bite = '<img src=x onerror="globalThis.bitten=1">'
    const root = { ...state(bite, [state(`${bite}.\u202ea`)]), invoke: [{ id: bite, src: bite }] }
    const told = stamped([
      { type: 'kittiwake.machine', hash: '0123456789abcdef', name: bite, root },
      {
        type: '@xstate.actor',
        sessionId: actorId('x:0'),
        rootId: actorId('x:0'),
        parentId: null,
        name: bite,
        kind: 'machine',
        machine: '0123456789abcdef',
        snapshot: {
          status: 'active',
          value: '\u202ea',
          context: { [bite]: bite, ['__proto__']: 1 },
        },
      },
      { type: 'kittiwake.fate', eventId: bite, stage: 'refused', reason: bite, eventType: bite },
      { type: '@xstate.event', sessionId: bite, rootId: '', sourceId: bite, event: { type: bite } },
      { type: '@xstate.microstep', sessionId: 7, event: {}, transitions: [null], snapshot: {} },
    ])
    const page = await browser.open((await serve(told)).url)
    for (const key of ['1', '2', '3', '4']) {
      await page.keyboard.press(key)
      await page.getByText(bite).first().waitFor()
    }
    await page.keyboard.press('1')
    await page.locator('.drawing .invoke').waitFor()
    expect(await page.evaluate(() => Reflect.get(globalThis, 'bitten'))).toBeUndefined()
    expect(await page.locator('#app img').count()).toBe(0)
    expect(await page.locator('#app').innerText()).not.toContain('\u202e')
    // What can't be relied on is passed over; the rest is there.
    await expectText(page.locator('.moment'), /4 of 4/)
  })

  it('opens the sample by keys alone, and goes through it', async () => {
    const page = await browser.open((await serveSample()).url)
    await expectText(page.getByTestId('link'), /recorded trace/)
    await page.keyboard.press('?')
    await page.locator('dialog kbd', { hasText: 'Space' }).waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('Home')
    const all = count(sampleMessages().length)
    await expectText(page.locator('.moment'), new RegExp(`\\b1 of ${all}$`))
    await expectText(page.getByTestId('state-now'), /not yet there/)
    await page.keyboard.press('Shift+ArrowRight')
    await expectText(page.getByTestId('state-now'), /^(?!not yet)/)
    const [first] = [await page.locator('.moment').innerText()]
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowLeft')
    await expectText(page.locator('.moment'), first)
    await page.keyboard.press('Space')
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    await vi.waitFor(async () => expect(await page.locator('.moment').innerText()).not.toBe(first))
    await page.keyboard.press('Space')
    await page.keyboard.press('End')
    await expectText(page.locator('.moment'), new RegExp(`${all} of ${all}$`))
    await page.keyboard.press('o')
    // Drawn in the frame after the key.
    const whose = page.locator('.message .who')
    await vi.waitFor(async () => expect(await whose.count()).toBeGreaterThan(5))
    await page.keyboard.press('o')
    await page.keyboard.press('2')
    await page.locator('.hop.answered .hop-time').first().waitFor()
    await page.keyboard.press('t')
    await page.keyboard.press('t')
    await page.locator(':root[data-theme="dark"]').waitFor()
    await page.getByRole('button', { name: 'Dark' }).waitFor()
  })

  it('is whole on a phone: every part within its width, and reached by scrolling', async () => {
    const page = await browser.open((await serveSample()).url)
    await page.setViewportSize({ width: 390, height: 800 })
    await pick(page, 'connection')
    for (const part of ['.head', '.tree', '.stage', '.side', '.timeline', '.message']) {
      const one = page.locator(part).first()
      await one.scrollIntoViewIfNeeded()
      const box = await one.boundingBox()
      expect([part, (box?.x ?? -1) >= 0 && (box?.x ?? 0) + (box?.width ?? 0) <= 390]).toEqual([
        part,
        true,
      ])
      expect(box?.height).toBeGreaterThan(20)
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })

  it('goes through the sample by the pointer', async () => {
    const { header, feed } = openTrace(SAMPLE)
    const trace = {
      ...header,
      reason: 'escalation' as const,
      failure: { worker: 'store', code: 'SAMPLE' },
    }
    const page = await browser.open((await serveFeed({ feed, trace })).url)
    await expectText(page.getByTestId('link'), /written when store failed: SAMPLE/)
    const group = page.locator('.drawing > g')
    await group.waitFor()
    const placements = new Set([await group.getAttribute('transform')])
    const moves = async (act: () => Promise<void>) => {
      await act()
      await vi.waitFor(async () => {
        const placement = await group.getAttribute('transform')
        expect(placements).not.toContain(placement)
        placements.add(placement)
      })
    }
    const box = page.locator('.chart-box')
    await box.hover()
    await moves(() => page.mouse.wheel(0, -200))
    await moves(async () => {
      await page.mouse.down()
      await page.mouse.move(600, 300)
      await page.mouse.up()
    })
    await box.focus()
    for (const key of ['+', '0']) await moves(() => page.keyboard.press(key))

    const tree = page.getByRole('tree')
    await tree.focus()
    await page.keyboard.press('ArrowUp')
    await expectText(page.locator('.chart-head h2'), 'drain.commits')
    await page.locator('[data-actor="source.events"]').click()
    await page.getByText('source.events is a callback').waitFor()
    await page.getByText('main thread').click()
    await page.locator('[data-actor]').first().waitFor({ state: 'detached' })
    await page.getByText('main thread').click()
    await pick(page, 'store')
    await page.locator('[data-state="worker.running.ready"]').click()
    await page.locator('.card li', { hasText: 'worker.stop' }).waitFor()
    // What a state invokes leads to its actor while that is there.
    await page.keyboard.press('Home')
    await page.keyboard.press('Shift+ArrowRight')
    await page.keyboard.press('Shift+ArrowRight')
    await page.locator('.invoke.running[data-invoke="thread"]').click()
    await page.getByText('thread is a callback').waitFor()
    await page.keyboard.press('End')
    await pick(page, 'store')
    await page.locator('[data-state="worker.running.ready"]').click()
    // It was not allowed.
    expect(await page.locator('.card').getByRole('button', { name: 'Send' }).count()).toBe(0)

    await page.getByRole('tab', { name: 'Sequence' }).click()
    await page.locator('.hop.answered').first().click()
    await page.getByRole('tab', { name: 'Message' }).click()
    await expectText(page.locator('.latency'), /waited[^]*worked[^]*came back[^]*in all/)
    for (const chip of ['Transitions', 'Events', 'Threads', 'Fates']) {
      await page.getByRole('group', { name: 'Kinds' }).getByRole('button', { name: chip }).click()
    }
    await page.getByRole('button', { name: 'Only this actor' }).click()
    await page.getByLabel('Search', { exact: true }).fill('nothing has this word')
    await page.getByText('No message passes the filter').waitFor()
  })

  it('opens 50,000 messages in a moment, and holds few of them in the document', async () => {
    const server = await serve(manyMessages(50_000))
    const from = performance.now()
    const page = await browser.open(server.url)
    await expectText(page.locator('.moment'), /50,000 of 50,000/)
    const took = performance.now() - from
    console.log(`50,000 messages were open after ${Math.round(took)} ms`)
    expect(took).toBeLessThan(15_000)
    expect(await page.locator('.message').count()).toBeLessThan(100)
    // It goes through them as quickly.
    const density = await page.locator('.density').boundingBox()
    await page.mouse.click((density?.x ?? 0) + (density?.width ?? 0) / 2, (density?.y ?? 0) + 8)
    await expectText(page.locator('.moment'), /\b2\d,\d{3} of 50,000/)
    await page.keyboard.press('/')
    await page.keyboard.type('crashed')
    await expectText(page.locator('.matches'), /^\d\d shown/)
  })

  it('keeps up with 5,000 messages a second, and says what was left out', async () => {
    const feed = new Feed()
    const messages = manyMessages(10_000)
    const server = await serveFeed({ feed })
    const page = await browser.open(server.url)
    await page.getByText('Nothing has happened yet').waitFor()
    for (let at = 0; at < messages.length; at += 100) {
      tellAll(feed, messages.slice(at, at + 100))
      await delay(20)
    }
    const gap = { type: 'kittiwake.sampled', reason: 'rate', leftOut: 4321, byType: {} }
    tellAll(feed, stamped([{ ...gap, fromMono: 0, toMono: 1 }]))
    const from = performance.now()
    await expectText(page.locator('.moment'), /10,001 of 10,001/)
    console.log(
      `the last of 10,000 messages was shown ${Math.round(performance.now() - from)} ms later`,
    )
    await page.locator('.message.alarm', { hasText: '4,321 messages left out' }).waitFor()
    await expectText(page.locator('.left-out'), /4,321 left out/)
  })

  it('goes on where it was when its connection is cut, without a message twice', async () => {
    const feed = new Feed()
    const server = await serveFeed({ feed })
    const cuts: (() => Promise<void>)[] = []
    const page = await browser.open(server.url, async (fresh) => {
      await fresh.routeWebSocket(/\/feed$/, (socket) => {
        const behind = socket.connectToServer()
        cuts.push(async () => {
          await behind.close()
          await socket.close({ code: 1011 })
        })
      })
    })
    tellAll(feed, manyMessages(300))
    await expectText(page.locator('.moment'), /300 of 300$/)
    await cuts[0]?.()
    tellAll(feed, manyMessages(50))
    await expectText(page.locator('.moment'), /350 of 350$/)
    expect(cuts).toHaveLength(2)
    await expectText(page.getByTestId('link'), /^live$/)
  })

  it('sends an event to an actor where that was allowed', async () => {
    const send = vi.fn()
    const { feed } = openTrace(SAMPLE)
    const page = await browser.open((await serveFeed({ feed, send })).url)
    await page.keyboard.press('e')
    await pick(page, 'git')
    await page.locator('[data-state="worker.running.ready"]').click()
    const card = page.locator('.card')
    await card.locator('li', { hasText: 'worker.stop' }).getByRole('button').click()
    await card.getByText('sent', { exact: true }).waitFor()
    const [actor, event] = send.mock.calls[0] ?? []
    expect(actor).toMatch(/\/main\/x:\d+$/)
    expect(event).toEqual({ type: 'worker.stop' })
  })

  it('says what to do where there is nothing to see', async () => {
    const server = await serve([])
    const page = await browser.open(server.url)
    await page.getByText('The trace is empty').waitFor()
    expect(page.url()).not.toContain('session')
    // Another window of the same browser has the cookie, but not the link.
    const other = await browser.open(new URL('/', server.url).href)
    await other.getByText('This window needs a link').waitFor()
    await server.stop()
    await expectText(page.getByTestId('link'), /connection lost/)
  })
})

function note(runtime: Runtime, text: string) {
  return runtime.emit({
    event_type: 'HistoryAdded',
    aggregate_id: 'WP01',
    payload: { wp_id: 'WP01', entry_type: 'note', entry_content: text, author: 'agent' },
  })
}

/** Every thread that is started from now on, in the order of their starts. */
async function watchThreads(): Promise<readonly Worker[]> {
  const threads: Worker[] = []
  const keep = (thread: Worker) => threads.push(thread)
  process.on('worker', keep)
  onTestFinished(() => void process.off('worker', keep))
  return threads
}

async function pick(page: Page, actor: string): Promise<void> {
  await page.locator(`[data-actor="${actor}"]`).click()
}

async function expectText(
  locator: ReturnType<Page['locator']>,
  text: RegExp | string,
): Promise<void> {
  await vi.waitFor(
    async () => {
      const shown = await locator.first().innerText({ timeout: 2_000 })
      if (typeof text === 'string') expect(shown).toBe(text)
      else expect(shown).toMatch(text)
    },
    { timeout: WITHIN_MS, interval: 50 },
  )
}
