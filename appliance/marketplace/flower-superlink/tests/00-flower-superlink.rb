# Certification of the Flower SuperLink: one VM by itself, without OneGate.
require_relative '../../../lib/community/app_handler'

describe 'Appliance Certification' do
    include_context('vm_handler')

    # The command ends with 0 in the VM, at once or within so many seconds; this waits, not the command. VM#ssh puts it
    # between double quotes for the shell of the front-end, so it must not contain a double quote, $, ` or \.
    def ok(command, seconds = 0)
        deadline = Time.now + seconds
        loop do
            result = @info[:vm].ssh(command, false, { :quiet => true })
            return if result.success?

            raise "#{command}: #{result.exitstatus}: #{result.stdout}#{result.stderr}" if Time.now >= deadline

            sleep 5
        end
    end

    # The first boot makes certificates and starts Flower.
    it 'comes up' do
        ok('flower-context ready --timeout 0', 600)
    end

    it 'says so as the one-apps framework does' do
        ok('grep -q All.set.and.ready.to.serve /etc/motd', 120)
        ok('grep -qx bootstrap_success /etc/one-appliance/status')
    end

    it 'serves under systemd, and none of its units has failed' do
        ok('systemctl is-active flower-superlink.service')
        ok('! systemctl is-failed flower-* one-context*')
    end

    it 'has the name from the CONTEXT in its certificate' do
        ok('openssl x509 -in /var/lib/flower-context/tls/server.pem -noout -checkhost superlink.example | grep does.match')
    end

    it 'has a certificate that its own CA signed' do
        ok('openssl verify -x509_strict -CAfile /var/lib/flower-context/tls/ca.pem /var/lib/flower-context/tls/server.pem')
    end
end
