# Certification of the Flower SuperLink: one VM by itself, without OneGate.
require_relative '../../../lib/community/app_handler'

describe 'Appliance Certification' do
    include_context('vm_handler')

    # The first boot makes certificates and starts Flower; each command of this file ends with 0 when it is as it should be.
    def ok(command)
        result = @info[:vm].ssh(command)
        expect(result.exitstatus).to eq(0), "#{command}: #{result.stdout}#{result.stderr}"
    end

    it 'comes up' do
        ok('flower-context ready --timeout 600')
    end

    it 'says so as the one-apps framework does' do
        ok('timeout 120 sh -c "until grep -q All.set.and.ready.to.serve /etc/motd; do sleep 2; done"')
        ok('grep -qx bootstrap_success /etc/one-appliance/status')
    end

    it 'serves under systemd, and no unit has failed' do
        ok('systemctl is-active flower-superlink.service')
        ok('test -z "$(systemctl list-units --failed --no-legend)"')
    end

    it 'has the name from the CONTEXT in its certificate' do
        ok('openssl x509 -in /var/lib/flower-context/tls/server.pem -noout -checkhost superlink.example | grep -q "does match"')
    end

    it 'has a certificate that its own CA signed' do
        ok('openssl verify -x509_strict -CAfile /var/lib/flower-context/tls/ca.pem /var/lib/flower-context/tls/server.pem')
    end
end
