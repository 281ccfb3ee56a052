// Plain JavaScript, so that Jest leaves it to Node, which runs the TypeScript behind it.
export default async function globalSetup() {
  const { startStores } = await import('./global-setup.ts');
  await startStores();
}
