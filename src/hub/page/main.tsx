/** Starts the page. */
import { render } from 'preact'
import { applyTheme } from '../../page/theme.ts'
import { Dashboard } from './dashboard.ts'
import { listenToKeys } from './keys.ts'
import { App } from './view/app.tsx'

const CLOCK_MS = 15_000

applyTheme()
const root = document.querySelector('#app')
if (root !== null) {
  let version = 0
  const dashboard = new Dashboard(() => {
    version += 1
    render(<App dashboard={dashboard} version={version} />, root)
  })
  listenToKeys(dashboard)
  addEventListener('hashchange', () => dashboard.addressChanged())
  setInterval(() => dashboard.tick(), CLOCK_MS)
  void dashboard.start()
}
