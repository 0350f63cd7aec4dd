#!/usr/bin/env node
// Takes the pictures of docs/images from a real run: an event that isn't at the hub, why, and what became of it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { CHROMIUM_FLAGS, findChromium } from './chromium.mjs'
import { root } from './prepare.mjs'
import { makeSampleWorld } from './sample-world.mjs'

const images = join(root, 'docs/images')
const folder = mkdtempSync(join(tmpdir(), 'kittiwake-pictures-'))
const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS })
try {
  await tellStory()
} finally {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
}

async function tellStory() {
  const { runtime, note, hub } = await makeSampleWorld(folder, { name: 'harbour', inspect: true })
  await runtime.sync.optIn()
  const page = await openPage(runtime)
  try {
    await page.getByTestId('state-now').filter({ hasText: 'delivery.live' }).waitFor()
    for (const at of [1, 2, 3]) await note(`Sounding ${at}`)
    await page.keyboard.press('3')
    await page.locator('.reach.acknowledged').nth(2).waitFor()
    await page.keyboard.press('1')
    await shoot(page, 'inspector')
    await hub.server.stop()
    await page.getByTestId('state-now').filter({ hasText: 'backingOff' }).waitFor()
    const { event_id } = await note('Where am I?')

    await page.keyboard.press('3')
    await page.getByRole('button', { name: 'Not at the hub' }).click()
    await page.locator(`[data-event="${event_id}"]`).click()
    await page.locator('.obstacle').waitFor()
    await shoot(page, 'debugging-1-event')

    await page.keyboard.press('1')
    await page.keyboard.press('o')
    await page.getByRole('button', { name: 'Snapshots' }).click()
    await page
      .locator('.message', { hasText: /snapshot.*backingOff/ })
      .last()
      .click()
    await page.getByRole('button', { name: 'Snapshots' }).click()
    await page.getByRole('tab', { name: 'Context' }).click()
    await page.getByTestId('state-now').filter({ hasText: 'backingOff' }).waitFor()
    await shoot(page, 'debugging-2-connection')

    await page.keyboard.press('o')
    await page.locator('[data-actor="socket"]').click()
    await page.keyboard.press('o')
    await page.keyboard.press('End')
    await page.keyboard.press('2')
    const refused = page.locator('.hop.answered', { hasText: /socket\.(?:refused|authenticated)/ })
    await refused.last().click()
    await page.getByRole('tab', { name: 'Message' }).click()
    await page.locator('.latency').waitFor()
    await shoot(page, 'debugging-3-sequence')

    hub.server = await hub.serveAgain()
    await page.keyboard.press('o')
    await page.keyboard.press('End')
    await page.keyboard.press('3')
    await page.getByRole('button', { name: 'Not at the hub' }).click()
    await page.locator(`[data-event="${event_id}"] .acknowledged`).waitFor({ timeout: 60_000 })
    await page.locator(`[data-event="${event_id}"]`).click()
    await page.getByRole('button', { name: 'Ask again' }).click()
    await page.locator('.outbox dd', { hasText: 'delivered' }).waitFor()
    await shoot(page, 'debugging-4-acknowledged')

    await page.keyboard.press('t')
    await page.keyboard.press('t')
    await page.keyboard.press('4')
    await shoot(page, 'inspector-health-dark')
  } finally {
    await runtime.stop()
    await hub.server.stop()
  }
}

async function openPage(runtime) {
  const page = await browser.newPage({
    viewport: { width: 1180, height: 660 },
    colorScheme: 'light',
  })
  await page.goto(runtime.inspectUrl)
  await runtime.sync.start()
  await page.locator('[data-actor="connection"]').waitFor()
  await page.locator('[data-actor="connection"]').click()
  await page.locator('.drawing').waitFor()
  return page
}

async function shoot(page, name) {
  // What was just drawn moves for half a second, and figures come once a second.
  await page.waitForTimeout(1_500)
  await page.screenshot({ path: join(images, `${name}.png`) })
}
