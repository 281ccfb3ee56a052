import { expect, test } from '@jest/globals';
import jsQR from 'jsqr';
import { PNG } from 'pngjs';
import { qrPngDataUrl } from './qr.ts';

test('a QR code is a PNG that a reader turns back into its text', async () => {
  const text = `otpauth://totp/Whispr:%2B33***42?secret=${'A'.repeat(32)}&issuer=Whispr`;
  const url = await qrPngDataUrl(text);
  const prefix = 'data:image/png;base64,';
  expect(url.startsWith(prefix)).toBe(true);
  const { data, width, height } = PNG.sync.read(Buffer.from(url.slice(prefix.length), 'base64'));
  expect(jsQR.default(new Uint8ClampedArray(data), width, height)?.data).toBe(text);
});
